"""Tables that fit the width: columns beside each other, or where that is too narrow one line for each cell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from ally.tui.look import Look
from ally.tui.transcript.markdown_inline import pieces
from ally.tui.transcript.rows import Piece
from ally.tui.transcript.wrap import TAB, Row, wrap

MOST_COLUMNS = 32
_ROWS, _CELLS = 40, 320
_BETWEEN = " │ "
_LEAST = 6
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Columns:
    """The head of a table, how its columns are aligned (`:-:`), and how wide they would like to be."""

    head: tuple[str, ...]
    aligns: tuple[str, ...]
    widths: tuple[int, ...] = ()

    def measured(self, lines: Sequence[str]) -> "Columns":
        """With widths that suit these rows, unless others have said so before."""
        if self.widths:
            return self
        rows = [self.head, *(self.fitted(cells_of(line)) for line in lines)]
        plain = Look()
        widths = [max(_columns(cell, plain) for cell in column) for column in zip(*rows, strict=True)]
        return replace(self, widths=tuple(widths))

    def fitted(self, cells: Sequence[str]) -> tuple[str, ...]:
        """As many cells as there are columns; what is too much stands in the last."""
        size = len(self.head)
        if len(cells) > size:
            cells = [*cells[: size - 1], " | ".join(cells[size - 1 :])]
        return (*cells, *[""] * (size - len(cells)))


@dataclass(frozen=True, slots=True)
class Table:
    """Some rows of a table, as written; with its head if `has_head`."""

    columns: Columns
    lines: tuple[str, ...]
    lead: str = ""
    rest: str = ""
    has_head: bool = True

    def rows(self, width: int, look: Look) -> Sequence[Row]:
        """Cells beside each other, folded."""
        left = [(self.lead, look.accent)] if self.lead else []
        under = [(self.rest, look.quote)] if self.rest else []
        room = width - max(cell_len(self.lead), cell_len(self.rest))
        table = [self.columns.fitted(cells_of(line)) for line in self.lines]
        sizes = fitting(self.columns.widths, room)
        if sizes is None:
            return self._as_lines(table, width, look)
        drawn: list[list[Piece]] = []
        if self.has_head:
            drawn += self._row(self.columns.head, sizes, look, look.strong)
            drawn.append([("─┼─".join("─" * size for size in sizes), look.rule)])
        for cells in table:
            drawn += self._row(cells, sizes, look, look.text)
        rows: list[Row] = []
        for parts in drawn:
            prefix = under if rows else left
            rows.append(Row([Segment(*part) for part in (*prefix, *parts)], sum(len(text) for text, _ in prefix)))
        return rows

    def guess(self, width: int) -> int:
        """By the number of rows."""
        return len(self.lines) + 2 * self.has_head

    def _row(self, cells: Sequence[str], sizes: Sequence[int], look: Look, base: Style) -> list[list[Piece]]:
        """One row of the table as lines as high as its highest cell."""
        folded = [wrap(pieces(_shown(cell), look, base), size) for cell, size in zip(cells, sizes, strict=True)]
        lines: list[list[Piece]] = []
        for at in range(max(map(len, folded))):
            parts: list[Piece] = []
            for place, (column, size) in enumerate(zip(folded, sizes, strict=True)):
                cell = [(part.text, part.style or base) for part in column[at]] if at < len(column) else []
                space = size - sum(cell_len(text) for text, _ in cell)
                before = _before(self.columns.aligns[place], space)
                parts += [(_BETWEEN, look.rule)] if place else []
                parts += [(" " * before, base)] if before else []
                parts += cell
                parts += [(" " * (space - before), base)] if space > before else []
            lines.append(parts)
        return lines

    def _as_lines(self, table: Sequence[Sequence[str]], width: int, look: Look) -> list[Row]:
        """`head: cell`, for each cell a line."""
        rows: list[Row] = []
        lead, rest = [(self.lead, look.accent)], [(self.rest, look.quote)]
        if self.has_head and not table:
            table = [("",) * len(self.columns.head)]
        for number, cells in enumerate(table):
            if number or not self.has_head:
                rows += wrap([("─" * min(3, width), look.rule)], width, rest)
            for name, cell in zip(self.columns.head, cells, strict=True):
                parts = pieces(_shown(name), look, look.strong)
                parts += [(": ", look.dim), *pieces(_shown(cell), look, look.text)]
                rows += wrap(parts, width, rest if rows else lead, rest)
        return rows


def rows_together(columns: int) -> int:
    """So many rows are drawn together; the first of them say how wide the columns are."""
    return max(2, min(_ROWS, _CELLS // columns))


def fitting(widths: Sequence[int], room: int) -> list[int] | None:
    """The widths of columns that fit into `room`, the widest made narrower; None if they would be too narrow."""
    room -= len(_BETWEEN) * (len(widths) - 1)
    if sum(widths) <= room:
        return [max(1, width) for width in widths] if sum(max(1, width) for width in widths) <= room else None
    sizes = list(widths)
    left, many = room, len(sizes)
    for width in sorted(sizes):
        share = left // many
        if width > share:
            if share < _LEAST:
                return None
            return [max(1, min(size, share)) for size in sizes]
        left, many = left - max(1, width), many - 1
    return None


def cells_of(line: str) -> list[str]:
    """The cells of a row as it was written."""
    text = line.strip(" \t")
    text = text.removeprefix("|")
    if text.endswith("|") and not text.endswith("\\|"):
        text = text[:-1]
    return [cell.strip(" \t") for cell in _BAR.split(text)]


def _shown(cell: str) -> str:
    return cell.replace("\\|", "|").replace("\t", TAB)


def _columns(cell: str, look: Look) -> int:
    return sum(cell_len(text) for text, _ in pieces(_shown(cell), look, look.text))


def _before(align: str, space: int) -> int:
    if not align.endswith(":"):
        return 0
    return space // 2 if align.startswith(":") else space
