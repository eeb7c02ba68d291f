"""How far a fetch is, and who wants to know when nobody asked for the fetch explicitly."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a fetch. `total_bytes` is None while the size is not known.

    `wait` means that another process is fetching the same model; `check` is the reading of the whole file for its
    hash. The last one is `done`, or `stopped` when the fetch fails or is interrupted.
    """

    model: str
    phase: Literal["wait", "fetch", "check", "done", "stopped"]
    done_bytes: int = 0
    total_bytes: int | None = None
    source: str = ""


OnProgress = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Tell nobody."""


class _Listener:
    call: OnProgress = ignore


def listen(listener: OnProgress) -> None:
    """Be told of fetches that a chat starts by itself (the starter model); it may be called from another thread."""
    _Listener.call = listener


def tell(progress: Progress) -> None:
    """Tell the listener."""
    _Listener.call(progress)


def size_text(size_bytes: int) -> str:
    """A size for people: `98 MB`, `5.0 GB`."""
    mega = size_bytes / 10**6
    return f"{mega / 1000:.1f} GB" if mega >= 1000 else f"{mega:.0f} MB"
