"""Files of the working folder, found by a few letters of their path, for `@` in a message."""

import os
import re
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice, pairwise
from pathlib import Path

from ally.chat.fuzzy import folded
from ally.permissions.secrets import secret_reason
from ally.storage.walk import walk
from ally.terminal.text import clean

MAX_FILES = 200_000
FRESH_S = 20.0
"""An index older than this is made again in the background when somebody asks."""

_BLOCK = 2_000  # paths that are searched at once, without a pause for other threads
_MAX_HITS = 4_000
_OUTSIDE = re.compile(r"[~/]|\.\.?(/|$)")


@dataclass(frozen=True, slots=True)
class Found:
    """A path as it stands in a message, a folder with `/` at its end; `hits` are the characters that were asked for."""

    path: str
    hits: tuple[int, ...] = ()


@dataclass(slots=True)
class Files:
    """What may be mentioned in `root`: not what `.gitignore` leaves out, nor what is secret by its name.

    All of it may be called in a thread; a search gives way to other threads every few milliseconds.
    """

    root: Path
    home: Path
    made_at: float = -FRESH_S
    _paths: Sequence[str] = ()
    _blocks: list["_Block"] = field(default_factory=list["_Block"])

    @property
    def is_stale(self) -> bool:
        """Whether it should be made again."""
        return time.monotonic() - self.made_at >= FRESH_S

    def refresh(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Look at the folder again; what was known stays until that is done, and if `stop()` is true."""
        paths = [
            entry.path + "/" * entry.is_dir
            for entry in walk(self.root, max_entries=MAX_FILES, stop=stop)
            if _can_stand(entry.path)
        ]
        if not stop():
            self.index(paths)
            self.made_at = time.monotonic()

    def index(self, paths: Sequence[str]) -> None:
        """Search these from now on."""
        self._paths = paths
        self._blocks = [_Block.of(paths[at : at + _BLOCK]) for at in range(0, len(paths), _BLOCK)]

    def find(self, query: str, limit: int = 50, stop: Callable[[], bool] = lambda: False) -> list[Found]:
        """The paths that fit best, best first: names that begin so, names, paths, then those with the letters in order.

        A query that leads out of the folder (`~/`, `/`, `../`) lists the folder it names.
        """
        if _OUTSIDE.match(query):
            return self._listed(query)[:limit]
        wanted = folded(query)
        if not wanted:
            return self._open(((path, ()) for path in self._paths if "/" not in path[:-1]), limit)
        folder = query if query.endswith("/") else None  # it is written already: what is in it is wanted
        found: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        for search in (_literal, _scattered):
            for block in self._blocks:
                if stop():
                    return []
                for number, rank, hits in search(block, wanted):
                    if block.paths[number] != folder:
                        found.setdefault(block.paths[number], (rank, hits))
                time.sleep(0)  # the screen goes first
                if len(found) >= _MAX_HITS:
                    break
            if len(found) >= limit:
                break
        best = sorted(found.items(), key=lambda item: (item[1][0], len(item[0]), item[0]))
        return self._open(((path, hits) for path, (_, hits) in best), limit)

    def _open(self, found: Iterable[tuple[str, tuple[int, ...]]], limit: int) -> list[Found]:
        """The first that are not secret; asked only here, since asking takes longer than walking to a file."""
        return list(islice((Found(*one) for one in found if not self._is_secret(self.root, one[0])), limit))

    def _listed(self, query: str) -> list[Found]:
        """The entries of the folder that `query` names with its last part begun."""
        shown, _, begun = query.rpartition("/")
        if query in ("~", ".", ".."):
            return [Found(f"{query}/")]
        folder = self.root / os.path.expanduser(f"{shown}/")  # noqa: PTH111 - Path raises for odd names
        found: list[Found] = []
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    name = entry.name
                    if not name.lower().startswith(begun.lower()) or not _can_stand(name):
                        continue
                    if (not name.startswith(".") or begun.startswith(".")) and not self._is_secret(folder, name):
                        hits = tuple(range(len(shown) + 1, len(shown) + 1 + len(begun)))
                        found.append(Found(f"{shown}/{name}" + "/" * entry.is_dir(), hits))
        except (OSError, ValueError):
            return []
        return sorted(found, key=lambda one: (not one.path.endswith("/"), one.path.lower()))

    def _is_secret(self, folder: Path, path: str) -> bool:
        return bool(secret_reason(Path(os.path.join(folder, path)), self.home))  # noqa: PTH118 - hot


@dataclass(frozen=True, slots=True)
class _Block:
    """Some paths as one text of lines, in small letters, so that one search goes over all of them."""

    paths: Sequence[str]
    text: str
    starts: list[int]

    @classmethod
    def of(cls, paths: Sequence[str]) -> "_Block":
        lines = [folded(path) for path in paths]
        return cls(paths, "\n".join(lines), [0, *accumulate(len(line) + 1 for line in lines)])


def _literal(block: _Block, wanted: str) -> Iterator[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Lines that hold `wanted`: number, rank and places."""
    text, starts = block.text, block.starts
    at = text.find(wanted)
    while at >= 0:
        number = bisect_right(starts, at) - 1
        end = starts[number + 1] - 1
        last = text.rfind(wanted, at, end)  # nearest to the end: the name, if it is there
        in_name = "/" not in text[last : end - 1]
        begins = last == starts[number] or not text[last - 1].isalnum()
        rank = (
            (0, text[last - 1 : last] != "/" and last > starts[number], not begins) if in_name else (1, not begins, 0)
        )
        place = last - starts[number]
        yield number, rank, tuple(range(place, place + len(wanted)))
        at = text.find(wanted, end)


def _scattered(block: _Block, wanted: str) -> Iterator[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Lines with the letters of `wanted` in their order."""
    pattern = re.compile("[^\n]*?".join(map(re.escape, wanted)))
    text, starts = block.text, block.starts
    found = pattern.search(text)
    while found:
        number = bisect_right(starts, found.start()) - 1
        end = starts[number + 1] - 1
        # Backwards from the first end and from the last one: each gives the letters as close together as they come.
        ways = (_backwards(text, wanted, starts[number], at) for at in (found.end(), end))
        rank, places = min((_spread(places), places) for places in ways)
        yield number, (2, *rank), places
        found = pattern.search(text, end)


def _backwards(text: str, wanted: str, start: int, at: int) -> tuple[int, ...]:
    places: list[int] = []
    for char in reversed(wanted):
        at = text.rfind(char, start, at)
        places.append(at - start)
    return tuple(reversed(places))


def _spread(places: tuple[int, ...]) -> tuple[int, int]:
    """How many gaps are between them, and how far they reach."""
    return sum(after - before > 1 for before, after in pairwise(places)), places[-1] - places[0]


def written(path: str) -> str:
    """How `path` is mentioned: `@path`, or `@"a path"`; "" for one that cannot be."""
    if not path or not _can_stand(path):
        return ""
    return f'@"{path}"' if re.search(r"\s|[.,;:!?)\]}']$", path) else f"@{path}"


def _can_stand(path: str) -> bool:
    """Whether it can be part of a message: no line ends, nothing that a terminal obeys, no bytes that are no text."""
    return '"' not in path and "\n" not in path and clean(path) == path
