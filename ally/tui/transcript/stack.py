"""Blocks on top of each other: where each row is, without drawing what nobody looks at.

Heights of what was not drawn yet, or last at another width, are guesses. `measure` makes them exact.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from textual.strip import Strip

from ally.tui.look import Look
from ally.tui.transcript.block import Block
from ally.tui.transcript.leaves import Section
from ally.tui.transcript.parted import Part, Parted

_KEPT = 256
"""Units whose rows are kept; more than the highest screen has rows."""

_PAINTED = 512
"""Rows of a unit that are kept as they are painted."""

PART_SHIFT, BLOCK_SHIFT = 24, 48
"""Keys of rows: the number of the block, of the part in it, and of the row in that."""

_NOTHING = Section()


class Unit:
    """One part of a block in its place. `gap` is 1 where an empty row comes before it; `part` is None until found."""

    __slots__ = ("block", "drawn", "gap", "height", "key", "part", "rows", "strips")

    def __init__(self, block: Block, part: Part | None, key: int, gap: int, height: int) -> None:
        self.block, self.part, self.key, self.gap, self.height = block, part, key, gap, height
        self.rows: Sequence[Strip] | None = None
        self.drawn: tuple[int, int] = (0, 0)
        self.strips: dict[int, Strip] = {}

    def forget(self) -> None:
        """Drop what was drawn; the height stays."""
        self.rows = None
        self.strips.clear()

    def keep(self, offset: int, strip: Strip) -> Strip:
        """Keep a row as it is painted."""
        if len(self.strips) >= _PAINTED:
            self.strips.clear()
        self.strips[offset] = strip
        return strip


class Stack:
    """All units, and the heights of all that is above each of them."""

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.width = 80
        self._look = Look()
        self._tops: list[int] = [0]
        self._exact = 0
        self._kept: dict[Unit, None] = {}
        self._keys: dict[Block, int] = {}
        self._number = 0

    @property
    def look(self) -> Look:
        """How everything looks; setting it has everything drawn anew."""
        return self._look

    @look.setter
    def look(self, look: Look) -> None:
        self._look = look
        self.forget()

    def forget(self) -> None:
        """Drop all that was drawn."""
        for unit in self._kept:
            unit.forget()
        self._kept.clear()

    def repaint(self) -> None:
        """Other colours lie under the rows."""
        for unit in self._kept:
            unit.strips.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.forget()
        self.units.clear()
        self._keys.clear()
        self._tops, self._exact = [0], 0

    def append(self, block: Block) -> None:
        """One more block."""
        gap = 0
        if self.units:
            gap = 0 if block.is_tight and self.units[-1].block.is_tight else 1
        key = self._number << BLOCK_SHIFT
        self._keys[block] = key
        self._number += 1
        self.units += self._made(block, key, gap)

    def sync(self, block: Block) -> int:
        """Take over the parts the block has now; how many units more there are (or less) is given back."""
        units = self.of(block)
        return self._renew(units.start, units.stop) if units else 0

    def _renew(self, start: int, stop: int) -> int:
        old = self.units[start:stop]
        parts = _parts(old[0].block)
        same = 0
        while same < min(len(old), len(parts)) and old[same].part is parts[same]:
            same += 1
        new = self._made(old[0].block, old[0].key, old[0].gap, same)
        for unit in old[same:]:
            self._kept.pop(unit, None)
        self.units[start + same : stop] = new
        self._moved(start + same)
        self._guess(start + same - 1 if same else start)
        return len(new) - len(old) + same

    def _made(self, block: Block, key: int, gap: int, begin: int = 0) -> list[Unit]:
        if isinstance(block, Parted) and not block.is_read and not begin:
            return [Unit(block, None, key, gap, gap + block.guess(self.width))]
        made: list[Unit] = []
        for number, part in enumerate(_parts(block)[begin:], begin):
            space = 0 if number else gap
            made.append(Unit(block, part, key + (number << PART_SHIFT), space, self._guessed(part, space)))
        return made

    def _guessed(self, part: Part, gap: int) -> int:
        rows = part.guess(self.width) if isinstance(part, Section) else 1
        return rows + gap if rows else 0

    def _guess(self, index: int) -> None:
        """Guess the height of a part that has changed since it was drawn."""
        unit = self.units[index]
        if isinstance(unit.part, Section) and unit.drawn[1] != unit.part.version:
            self._resize(index, self._guessed(unit.part, unit.gap))

    def find(self, index: int) -> int:
        """Find the parts of a block that has been too long to look at; how many units more there are is given back."""
        if self.units[index].part is not None:
            return 0
        return self._renew(index, index + 1)

    def measure(self, index: int) -> int:
        """The exact height of a unit that was found; the guess for one that was not."""
        unit = self.units[index]
        if (part := unit.part) is None:
            return unit.height
        drawn = (self.width, part.version)
        if unit.rows is None or unit.drawn != drawn:
            unit.strips.clear()
            unit.rows = part.lines(self.width, self._look)
            unit.drawn = drawn
            rows = len(unit.rows)
            self._resize(index, rows + unit.gap if rows else 0)
        self._kept.pop(unit, None)
        self._kept[unit] = None
        while len(self._kept) > _KEPT:
            oldest = next(iter(self._kept))
            oldest.forget()
            del self._kept[oldest]
        return unit.height

    def row(self, index: int, offset: int) -> Strip | None:
        """A row of a unit, None for the empty one above it."""
        self.measure(index)
        unit = self.units[index]
        offset -= unit.gap
        rows = unit.rows or ()
        return rows[offset] if 0 <= offset < len(rows) else None

    def top(self, index: int) -> int:
        """Rows above a unit."""
        self._add_up(index)
        return self._tops[index]

    @property
    def total(self) -> int:
        """All rows."""
        self._add_up(len(self.units))
        return self._tops[len(self.units)]

    def at(self, row: int) -> int:
        """The unit that a row belongs to; units without rows are passed over."""
        self._add_up(len(self.units))
        return max(0, min(bisect_right(self._tops, row) - 1, len(self.units) - 1))

    def index(self, key: int) -> int:
        """The unit that holds the row of that key, or the nearest before it."""
        return max(0, bisect_right(self.units, key, key=lambda unit: unit.key) - 1)

    def blocks(self) -> Iterator[Block]:
        """All blocks from top to bottom."""
        return iter(self._keys)

    def of(self, block: Block) -> range:
        """The units of a block."""
        key = self._keys.get(block)
        if key is None:
            return range(0)
        start = self.index(key)
        stop = start
        while stop < len(self.units) and self.units[stop].block is block:
            stop += 1
        return range(start, stop)

    def stale_row(self, block: Block) -> int:
        """The first row that a change of the block has made wrong."""
        units = self.of(block)
        for index in units:
            unit = self.units[index]
            if unit.part is None or unit.rows is None or unit.drawn[1] != unit.part.version:
                return self.top(index)
        return self.top(units.stop)

    def _resize(self, index: int, height: int) -> None:
        if self.units[index].height != height:
            self.units[index].height = height
            self._moved(index)

    def _moved(self, index: int) -> None:
        """What comes after that unit is elsewhere now."""
        self._exact = min(self._exact, index)

    def _add_up(self, index: int) -> None:
        if index <= self._exact and len(self._tops) > index:
            return
        del self._tops[self._exact + 1 :]
        heights = (unit.height for unit in self.units[self._exact :])
        self._tops[self._exact :] = accumulate(heights, initial=self._tops[self._exact])
        self._exact = len(self.units)


def _parts(block: Block) -> Sequence[Part]:
    return (block.parts or (_NOTHING,)) if isinstance(block, Parted) else (block,)
