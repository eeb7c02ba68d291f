"""Text as rows of cells: folded to a width, and made only when it is looked at."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import overload

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ally.terminal.text import clean

Piece = tuple[str, Style]
"""Text of one style; without tabs, line feeds and what `clean` removes."""

_TAB = 4
_NEVER_TWO = 2  # columns from which every character fits
_MOST_MADE = 300


def tidy(line: str) -> str:
    """One line of any text as it can stand in a row: nothing a terminal would obey, tabs as spaces."""
    return expanded(clean(line).replace("\n", " "))


def expanded(line: str) -> str:
    """`line` with tabs as spaces up to the next of every four columns."""
    if "\t" not in line:
        return line
    if line.isascii():
        return line.expandtabs(_TAB)
    first, *rest = line.split("\t")
    for part in rest:
        first += " " * (_TAB - cell_len(first) % _TAB) + part
    return first


def count(text: str, width: int) -> int:
    """How many rows `fold` makes of `text`."""
    if text.isascii():
        return max(1, -(-len(text) // width))
    return len(_starts(_narrow(text, width), width)[0])


def fold(pieces: Iterable[Piece], width: int) -> list[list[Segment]]:
    """Rows of at most `width` columns (at least 1), at least one; characters are not torn from what joins them."""
    kept = [(_narrow(text, width), style) for text, style in pieces if text]
    text = "".join(part for part, _ in kept)
    ends = list(accumulate(len(part) for part, _ in kept))
    if text.isascii():
        starts = list(range(0, len(text), width)) or [0]
    else:
        starts, whole = _starts(text, width)
        ends = [whole[bisect_left(whole, end)] for end in ends]
    rows: list[list[Segment]] = []
    for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
        row: list[Segment] = []
        for place in range(bisect_right(ends, start), len(ends)):
            begin = max(start, ends[place - 1] if place else 0)
            if begin >= stop:
                break
            row.append(Segment(text[begin : min(stop, ends[place])], kept[place][1]))
        rows.append(row)
    return rows


def plain_strips(text: str, style: Style, width: int) -> list[Strip]:
    """All lines of `text`, folded, in one style."""
    lines = text.split("\n")
    return [Strip(row) for line in lines for row in fold([(tidy(line), style)], width)]


def cut(pieces: Iterable[Piece], width: int) -> Strip:
    """One row: what does not fit is left out, and … says so."""
    kept = list(pieces)
    rows = fold(kept, width)
    if len(rows) == 1:
        return Strip(rows[0])
    row = fold(kept, width - 1)[0] if width > 1 else []
    return Strip([*row, Segment("…", row[-1].style if row else None)])


class LazyStrips(Sequence[Strip]):
    """Strips of many rows, made when they are asked for; the last few hundred rows made are kept.

    `ends` says, for each row, where the strips end that `make` gives for it.
    """

    def __init__(self, ends: Sequence[int], make: Callable[[int], Sequence[Strip]]) -> None:
        self._ends, self._make = ends, make
        self._length = ends[-1] if ends else 0
        self._made: dict[int, Sequence[Strip]] = {}

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Strip: ...
    @overload
    def __getitem__(self, index: slice) -> list[Strip]: ...
    def __getitem__(self, index: int | slice) -> Strip | list[Strip]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(self._length))]
        at = index + self._length if index < 0 else index
        if not 0 <= at < self._length:
            raise IndexError(index)
        row = bisect_right(self._ends, at)
        strips = self._made.get(row)
        if strips is None:
            if len(self._made) >= _MOST_MADE:
                self._made.clear()
            strips = self._made[row] = self._make(row)
        return strips[at - (self._ends[row - 1] if row else 0)]


def joined(parts: Sequence[Sequence[Strip]]) -> Sequence[Strip]:
    """`parts` one after the other, none of them made yet that was not before."""
    full = [part for part in parts if part]
    if len(full) == 1:
        return full[0]
    return LazyStrips(list(accumulate(map(len, full))), lambda row: full[row])


def _narrow(text: str, width: int) -> str:
    """`text`, where one column is all there is, without characters that take two."""
    if width >= _NEVER_TWO or text.isascii():
        return text
    spans, _ = split_graphemes(text)
    return "".join(text[start:end] if cells < _NEVER_TWO else "?" for start, end, cells in spans)


def _starts(text: str, width: int) -> tuple[list[int], list[int]]:
    """Where rows start, and where characters with all that joins them start, the end of `text` included."""
    spans, _ = split_graphemes(text)
    starts, whole, used = [0], [0], 0
    for start, end, cells in spans:
        if used + cells > width:
            starts.append(start)
            used = 0
        used += cells
        whole.append(end)
    return starts, whole
