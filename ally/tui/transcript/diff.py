"""Changes of files in the transcript, in the question before an edit, and in cards."""

from collections.abc import Sequence
from typing import Literal

from textual.strip import Strip

from ally.terminal.text import clean
from ally.tui.look import Look
from ally.tui.transcript.block import Block
from ally.tui.transcript.diff_paint import Painter, side_by_side, unified
from ally.tui.transcript.diff_rows import Row, Texts, rows_of

DiffStyle = Literal["auto", "unified", "side-by-side"]
WIDE = 120
"""Columns from which "auto" shows old and new side by side, where there is something on both sides."""


def diff_lines(change: str | Texts, width: int, look: Look, style: DiffStyle = "auto") -> Sequence[Strip]:
    """A change, a unified diff or two texts, as strips of at most `width` columns, made when they are looked at.

    Each changed line begins with + or -, whatever the colours. What is drawn as nothing or turns the line is spelled
    out. Where there is no room for two columns, "side-by-side" is unified too.
    """
    return _painted(Painter(rows_of(change), look), width, style)


class DiffBlock(Block):
    """A change as a part of the transcript, laid out in `style`, else as it looks best."""

    def __init__(self, change: str | Texts, style: DiffStyle | None = None) -> None:
        self._rows: list[Row] = rows_of(change)
        self._change = change
        self._style: DiffStyle | None = style
        self._made: tuple[int, Look, Sequence[Strip]] | None = None

    def lines(self, width: int, look: Look) -> Sequence[Strip]:
        """The change in lines of at most `width` columns, made when they are looked at."""
        if self._made is None or self._made[0] != width or self._made[1] is not look:
            self._made = width, look, _painted(Painter(self._rows, look), width, self._style or look.diff)
        return self._made[2]

    def text(self) -> str:
        """The change as a unified diff."""
        if isinstance(self._change, str):
            return clean(self._change)
        marks = {"removed": "-", "added": "+", "same": " "}
        return clean("\n".join(marks.get(row.kind, "") + row.text for row in self._rows))


def _painted(painter: Painter, width: int, style: DiffStyle) -> Sequence[Strip]:
    is_double = style == "side-by-side" or (style == "auto" and width >= WIDE and _has_two_sides(painter.rows))
    return side_by_side(painter, width) if is_double else unified(painter, width)


def _has_two_sides(rows: Sequence[Row]) -> bool:
    return len({row.kind for row in rows} & {"added", "removed"}) == 2
