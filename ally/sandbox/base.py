"""What a sandbox is asked for, and what it gives."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

Tier = Literal["A", "B", "C"]


@dataclass(frozen=True, slots=True)
class Confinement:
    """What one command may do.

    `root` is the working folder, resolved and fixed for the session: the only place to write, unless `is_read_only`.
    `git` opens the repository's data, but never its hooks and config. `writable` are paths that exist and are their own
    real path. `masks` are files and folders that must not be read; `readable` are shown although a mask or a private
    folder hides them.
    """

    root: Path
    is_read_only: bool = False
    git: bool = False
    network: bool = False
    writable: tuple[Path, ...] = ()
    masks: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Launch:
    """One command, ready to be started; a context manager to be left when the command has ended.

    Start it with exactly these words, variables, folder and descriptors, from a thread that outlives it (Linux kills a
    sandbox whose starting thread ends). Leaving the block ends what the command left running and removes what had to be
    made for it.
    """

    argv: list[str]
    env: dict[str, str] = field(repr=False)
    cwd: Path
    pass_fds: tuple[int, ...] = ()
    _held: ExitStack = field(default_factory=ExitStack, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()


class Sandbox(Protocol):
    """One way to confine commands."""

    @property
    def tier(self) -> Tier:
        """A is the strongest."""
        ...

    @property
    def name(self) -> str:
        """`bubblewrap`, `landlock` or `none`."""
        ...

    @property
    def reason(self) -> str:
        """Why there is no better tier and what this one lacks; empty for A."""
        ...

    def launch(self, argv: Sequence[str], confinement: Confinement) -> Launch:
        """Prepare to run `argv`.

        Raises:
            SandboxRefused: the command cannot be confined as asked; nothing was started.
        """
        ...

    def with_environment(self, env: Mapping[str, str]) -> "Sandbox":
        """The same sandbox with another parent environment: `HOME`, Ally's folders and the keys come from there."""
        ...
