"""Which lines of a diff belong together: a removed one and the added one that took its place."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from ally.tui.transcript.diff_rows import Row

Side = tuple[int, int]
"""An old row and the new one beside it, -1 for none; a row that is in both, or stands across both, is there twice."""

_MOST_COMPARED = 5_000
"""Pairs of lines that are compared in one diff; beyond that the first goes with the first."""
_LEAST_ALIKE = 0.4
_WORD = re.compile(r"\w+")


def sides(rows: Sequence[Row]) -> list[Side]:
    """All rows, side by side and in order; remarks inside a block of changes come after it."""
    return list(_Sides(rows).all())


class _Sides:
    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._left = _MOST_COMPARED
        self._removed: list[int] = []
        self._added: list[int] = []
        self._notes: list[int] = []

    def all(self) -> Iterator[Side]:
        for at, row in enumerate(self._rows):
            kind = row.kind
            if kind == "removed":
                if self._added:
                    yield from self._block()
                self._removed.append(at)
            elif kind == "added":
                self._added.append(at)
            elif kind == "note" and (self._removed or self._added):
                self._notes.append(at)
            else:
                yield from self._block()
                yield at, at
        yield from self._block()

    def _block(self) -> Iterator[Side]:
        removed, added = self._removed, self._added
        if removed or added:
            old = new = 0
            for one, two in (*self._alike(removed, added), (len(removed), len(added))):
                yield from zip_longest(removed[old:one], added[new:two], fillvalue=-1)
                if one < len(removed) and two < len(added):
                    yield removed[one], added[two]
                old, new = one + 1, two + 1
            for note in self._notes:
                yield note, note
            self._removed, self._added, self._notes = [], [], []

    def _alike(self, removed: list[int], added: list[int]) -> list[tuple[int, int]]:
        """Places of lines that say nearly the same, in the order of both."""
        size = len(removed) * len(added)
        if not size or len(removed) == len(added) or size > self._left:
            return []
        self._left -= size
        old, new = ([set(_WORD.findall(self._rows[at].text)) for at in part] for part in (removed, added))
        # best[i][j]: how much is alike from line i and line j on, at best
        best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
        for i in reversed(range(len(old))):
            for j in reversed(range(len(new))):
                together = best[i + 1][j + 1] + _likeness(old[i], new[j])
                best[i][j] = max(best[i + 1][j], best[i][j + 1], together)
        found: list[tuple[int, int]] = []
        i = j = 0
        while i < len(old) and j < len(new):
            if best[i][j] == best[i + 1][j]:
                i += 1
            elif best[i][j] == best[i][j + 1]:
                j += 1
            else:
                found.append((i, j))
                i, j = i + 1, j + 1
        return found


def _likeness(one: set[str], two: set[str]) -> float:
    most = max(len(one), len(two))
    part = len(one & two) / most if most else 0.0
    return part if part >= _LEAST_ALIKE else 0.0
