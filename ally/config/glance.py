"""Whether a setting may have been made, told without parsing: the screen is painted before settings are read."""

from collections.abc import Iterable
from pathlib import Path

_LARGEST_BYTES = 1_000_000


def may_be_set(name: str, files: Iterable[Path]) -> bool:
    """False only if none of `files` can hold a key `name`, at any depth."""
    return any(_may_hold(path, name) for path in files)


def _may_hold(path: Path, name: str) -> bool:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    # A letter may be written as an escape; a file in another encoding is not UTF-8 text with this name either.
    return name.encode() in data or b"\\u" in data or b"\0" in data or len(data) > _LARGEST_BYTES
