"""Places in files that a text names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FOUND = 200
"""More places than this in one text are not looked for."""

_MAX_PATH = 400
_BORDER = r"\s:#`'\"()\[\]<>|*,;"
_PLACE = re.compile(
    rf"(?<![^{_BORDER}])(?P<path>[^{_BORDER}]{{1,{_MAX_PATH}}})"
    r"(?::(?P<first>\d{1,7})(?:[-\u2013](?P<last>\d{1,7})|:\d{1,5})?"
    r"|#L(?P<one>\d{1,7})(?:-L?(?P<end>\d{1,7}))?)(?![\w])"
)
_TRIED = 2_000


@dataclass(frozen=True, slots=True)
class Citation:
    """Lines of a file that a text names. `path` is resolved, `start` and `end` are where it stands in the text."""

    path: Path
    line_start: int
    line_end: int
    start: int
    end: int


def find_citations(text: str, root: Path) -> list[Citation]:
    """Every `path:line`, `path:line-line` and `path#Lnn` whose file is there, under `root`, in order.

    Looks at the disk, so not on the event loop where it may be slow.
    """
    return list(_found(text, root.resolve()))[:MAX_FOUND]


def _found(text: str, root: Path) -> Iterator[Citation]:
    known: dict[str, Path | None] = {}
    for place in _PLACE.finditer(text):
        name = place["path"]
        if name not in known:
            if len(known) >= _TRIED:
                return
            known[name] = _file(name, root)
        path = known[name]
        first = int(place["first"] or place["one"])
        last = int(place["last"] or place["end"] or first)
        if path is not None and first:
            yield Citation(path, first, max(first, last), place.start(), place.end())


def _file(name: str, root: Path) -> Path | None:
    try:
        path = (root / name).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # halves of characters, NUL, links in a circle
        return None
