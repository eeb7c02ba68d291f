"""The part of a stack that is in sight."""

from ally.tui.transcript.block import Block
from ally.tui.transcript.stack import Stack

_NEAR_SCREENS = 3


class Viewport:
    """Knows which row is at the top of `rows` rows, by the unit it belongs to and not by its number.

    So it stays where it is when heights above turn out to be other than guessed. `follows` says that the end is shown,
    whatever is added. `settle` after everything that changes something; then `row` is the number of the top row.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.rows = 0
        self.row = 0
        self.follows = True
        self._key = self._offset = 0
        self._stood = (0, 0, 1)
        """Unit and offset when somebody last scrolled, and how many rows that unit had then."""

    def clear(self) -> None:
        """The stack is empty."""
        self.row = self._key = self._offset = 0
        self.follows = True

    @property
    def rows_below(self) -> int:
        """Rows that are further down than what is seen."""
        return max(0, self._stack.total - self.row - self.rows)

    def resize(self, width: int, rows: int) -> None:
        """At another width a unit has another height: what was at the top stays there."""
        self.rows = rows
        if width == self._stack.width:
            return
        self._stack.width = width
        if self._stack.units and not self.follows and self._key == self._stood[0]:
            index = self._stack.index(self._key)
            self._stack.find(index)
            self._offset = self._stood[1] * self._stack.measure(index) // self._stood[2]

    def go(self, row: int) -> None:
        """Put a row at the top that Textual has scrolled to by its number."""
        if row > 0 and abs(row - self.row) <= _NEAR_SCREENS * self.rows:
            self.move(row - self.row)
        elif self._stack.units:
            index = self._stack.at(row)
            self._stand(index, row - self._stack.top(index))

    def move(self, rows: int) -> None:
        """Scroll down (or up) by exactly so many rows, whatever heights were guessed."""
        stack = self._stack
        if not stack.units or not self.rows or (rows >= 0 and self.follows):
            return
        index, offset = stack.index(self._key), self._offset + rows
        while offset < 0 and index:
            index += stack.find(index - 1) - 1
            offset += stack.measure(index)
        while offset >= stack.measure(index) and index + 1 < len(stack.units):
            offset -= stack.units[index].height
            index += 1
            stack.find(index)
        self._stand(index, max(0, offset))

    def reveal(self, block: Block) -> None:
        """Scroll as little as needed for the block, or its beginning, to be seen."""
        units = self._stack.of(block)
        if not units:
            return
        top, stop = self._stack.top(units[0]), self._stack.top(units[-1] + 1)
        if top < self.row:
            self._stand(units[0], 0)
        elif stop > self.row + self.rows:
            self.move(min(stop - self.row - self.rows, top - self.row))

    def begins_here(self, block: Block) -> bool:
        """Whether the first row of the block is in sight."""
        units = self._stack.of(block)
        return bool(units) and 0 <= self._stack.top(units[0]) - self.row < self.rows

    def settle(self) -> None:
        """Measure what is in sight and find out which row is at the top."""
        stack = self._stack
        if not self.follows:
            self.follows = self._measure_down() < self.rows
        if self.follows:
            self._measure_up()
            self.row = max(0, stack.total - self.rows)
            index = stack.at(self.row)
            if stack.units:
                self._key, self._offset = stack.units[index].key, self.row - stack.top(index)
        else:
            self.row = stack.top(stack.index(self._key)) + self._offset
            self.follows = self.row >= stack.total - self.rows

    def _stand(self, index: int, offset: int) -> None:
        """Put a row of a unit at the top."""
        self._stack.find(index)
        self._key, self._offset, self.follows = self._stack.units[index].key, offset, False
        self._stood = (self._key, offset, max(1, self._stack.measure(index)))

    def _measure_down(self) -> int:
        """The rows from the top row to the end, as far as they are in sight."""
        stack = self._stack
        if not stack.units:
            return 0
        index = stack.index(self._key)
        stack.find(index)
        self._offset = min(self._offset, max(0, stack.measure(index) - 1))
        self._key = stack.units[index].key
        rows = stack.units[index].height - self._offset
        while rows < self.rows and index + 1 < len(stack.units):
            index += 1
            stack.find(index)
            rows += stack.measure(index)
        return rows

    def _measure_up(self) -> None:
        index, rows = len(self._stack.units), 0
        while index and rows < self.rows:
            index += self._stack.find(index - 1) - 1
            rows += self._stack.measure(index)
