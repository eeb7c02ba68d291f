"""Paths as permissions compare them: fully resolved, by components, and as a careless file system would read a name."""

import os
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_IGNORED = dict.fromkeys(  # characters that some file systems leave out of names
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0x00AD]
)
ALWAYS_OPEN = frozenset(map(Path, ("/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2")))
"""What belongs to no folder and holds nothing: may be read and written wherever one works."""


def words(text: str) -> tuple[str, ...]:
    """The names in a table that is written as text."""
    return tuple(text.split())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation works, and which folders are special there; all absolute.

    `own` are Ally's folders and files, which no tool may touch; what is in `readable` may be read without asking.
    """

    root: Path
    home: Path
    own: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()

    def resolved(self) -> "Place":
        """The same place with all links followed."""
        own = dict.fromkeys(form for path in self.own for form in (path, _real(path)))
        return Place(_real(self.root), _real(self.home), tuple(own), tuple(map(_real, self.readable)))

    def shown(self, path: Path) -> str:
        """`path` as people write it: relative to the folder, else with `~`."""
        if path.is_relative_to(self.root):
            return str(path.relative_to(self.root))
        if path == self.home:
            return "~"
        return f"~/{path.relative_to(self.home)}" if path.is_relative_to(self.home) else str(path)


@dataclass(frozen=True, slots=True)
class Spot:
    """One path twice: `given` with `..` taken out of the text, and `resolved` as the system follows it."""

    given: Path
    resolved: Path

    @property
    def forms(self) -> tuple[Path, ...]:
        """Both, or the one that they are."""
        return (self.given,) if self.given == self.resolved else (self.given, self.resolved)


def locate(path: Path, root: Path) -> Spot | None:
    """Where `path`, taken from `root` if it is relative, leads; None for one that no file can have."""
    text = os.path.join(root, path)  # noqa: PTH118 - keeps a path apart from what pathlib would make of it
    if "\0" in text:
        return None
    try:
        return Spot(Path(os.path.normpath(text)), Path(os.path.realpath(text)))
    except (OSError, ValueError, RuntimeError):  # half of a character, or links without end
        return None


@lru_cache(maxsize=16_384)
def fold(name: str) -> str:
    """`name` without what a file system may ignore: case, how accents are composed, dots and blanks at the end."""
    folded = name.lower() if name.isascii() else _fold_unicode(name)
    return folded.rstrip(" .") or name


def fold_path(path: Path | str) -> str:
    """`path` with every part folded, as `/a/b`; the root of the file system is the empty text."""
    return "".join("/" + fold(part) for part in str(path).split("/") if part)


def is_within(path: str, folder: str) -> bool:
    """Whether a folded path is the folded `folder` or below it."""
    return path == folder or path.startswith(folder + "/")


def _fold_unicode(name: str) -> str:
    bare = unicodedata.normalize("NFC", name.translate(_IGNORED))
    return unicodedata.normalize("NFC", bare.casefold())


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
