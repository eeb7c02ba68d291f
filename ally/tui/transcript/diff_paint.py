"""The rows of a diff as strips: one below the other, or old and new side by side."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate, zip_longest

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ally.terminal.text import visible
from ally.tui.look import Look
from ally.tui.transcript.diff_rows import Kind, Row
from ally.tui.transcript.diff_sides import Side, sides
from ally.tui.transcript.diff_words import Span, changed
from ally.tui.transcript.rows import LazyStrips, Piece, count, expanded, fold

_MARKS: dict[Kind, str] = {"removed": "-", "added": "+", "same": " "}
_MORE = "┊"  # where a long line goes on
_MARK_COLUMNS = 2
_RETURN = "␍"  # a carriage return at the end of a line
_LEAST_TEXT = 20
"""Columns of text below which numbers are left out."""
_WORD = re.compile(r"[^ \t\n]+")


class Painter:
    """Rows of a diff with their styles, and which line is compared with which."""

    def __init__(self, rows: Sequence[Row], look: Look) -> None:
        self.rows, self.look = rows, look
        self.sides = sides(rows)
        self._partner = {one: other for pair in self.sides if -1 not in pair for one, other in (pair, pair[::-1])}
        self._changed: Callable[[str, str], tuple[list[Span], list[Span]]] = lru_cache(1_000)(changed)
        most = max((max(row.old, row.new) for row in rows), default=0)
        self.digits, self.has_numbers = len(str(most)), most > 0

    def shown(self, at: int) -> str:
        """The text of a line as it is shown."""
        return seen(self.rows[at])

    def style(self, kind: Kind) -> Style:
        """How a line of that kind looks."""
        look = self.look
        styles = {"removed": look.removed, "added": look.added, "file": look.heading, "hunk": look.accent}
        return styles.get(kind, look.dim if kind == "note" else look.text)

    def pieces(self, at: int) -> list[Piece]:
        """The text of a line; where a line like it was changed, the changed words stand out."""
        kind, text, style = self.rows[at].kind, self.shown(at), self.style(self.rows[at].kind)
        other = self._partner.get(at, -1)
        if other in (-1, at):
            return [(text, style)]
        one, two = (at, other) if kind == "removed" else (other, at)
        spans = self._changed(self.shown(one), self.shown(two))[kind == "added"]
        pieces: list[Piece] = []
        end = 0
        for start, stop in spans:
            pieces += [(text[end:start], style), (text[start:stop], style + Style(reverse=True))]
            end = stop
        return [*pieces, (text[end:], style)]

    def heading(self, at: int, width: int) -> list[Strip]:
        """A line that stands across everything: a file, where a part begins, a remark."""
        return [Strip(cells) for cells in fold(self.pieces(at), width)]


def unified(painter: Painter, width: int) -> Sequence[Strip]:
    """Old and new lines below each other."""
    digits = painter.digits
    has_numbers = painter.has_numbers and width >= 2 * digits + 4 + _LEAST_TEXT
    gutter = 2 * digits + 4 if has_numbers else 2 if width > _MARK_COLUMNS else 0
    room = max(1, width - gutter)
    rows, look = painter.rows, painter.look

    def height(at: int) -> int:
        if rows[at].kind not in _MARKS:
            return count(painter.shown(at), width)
        return count(painter.shown(at) if gutter else _MARKS[rows[at].kind] + painter.shown(at), room)

    def make(at: int) -> list[Strip]:
        row = rows[at]
        if row.kind not in _MARKS:
            return painter.heading(at, width)
        mark, style = _MARKS[row.kind], painter.style(row.kind)
        if not gutter:
            return [Strip(cells) for cells in fold([(mark, style), *painter.pieces(at)], room)]
        number = f"{row.old or '':>{digits}} {row.new or '':>{digits}} " if has_numbers else ""
        return [
            Strip([*_gutter(number if first else " " * len(number), mark if first else _MORE, look, style), *cells])
            for first, cells in _firsts(fold(painter.pieces(at), room))
        ]

    return LazyStrips(list(accumulate(map(height, range(len(rows))))), make)


def side_by_side(painter: Painter, width: int) -> Sequence[Strip]:
    """Old lines at the left, new ones at the right."""
    rows, look, digits = painter.rows, painter.look, painter.digits
    half = (width - 1) // 2
    gutter = digits + 3
    room = half - gutter
    if room < _LEAST_TEXT:
        return unified(painter, width)

    def height(side: Side) -> int:
        left = side[0]
        if left >= 0 and rows[left].kind not in _MARKS:
            return count(painter.shown(left), width)
        return max(count(painter.shown(at), room) for at in side if at >= 0)

    def cells(at: int, number: int) -> list[list[Segment]]:
        if at < 0:
            return []
        mark, style = _MARKS[rows[at].kind], painter.style(rows[at].kind)
        return [
            [*_gutter(f"{number if first else '':>{digits}} ", mark if first else _MORE, look, style), *part]
            for first, part in _firsts(fold(painter.pieces(at), room))
        ]

    def make(place: int) -> list[Strip]:
        left, right = painter.sides[place]
        if left >= 0 and rows[left].kind not in _MARKS:
            return painter.heading(left, width)
        both = zip_longest(
            cells(left, rows[left].old if left >= 0 else 0), cells(right, rows[right].new if right >= 0 else 0)
        )
        return [
            Strip.join([Strip(one or []).adjust_cell_length(half), Strip([Segment("│", look.rule)]), Strip(two or [])])
            for one, two in both
        ]

    return LazyStrips(list(accumulate(map(height, painter.sides))), make)


def seen(row: Row) -> str:
    """The text of a row with everything in it seen: what is drawn as nothing or turns the line stands as ⟨U+202E⟩."""
    text = row.text
    if text.isascii() and text.isprintable():
        return text
    end = ""
    if text.endswith("\r"):
        text, end = text[:-1], "" if row.kind == "same" else _RETURN
    return expanded(_WORD.sub(lambda word: visible(word[0]), text.replace("\n", " "))) + end


def _gutter(number: str, mark: str, look: Look, style: Style) -> list[Segment]:
    return [*([Segment(number, look.dim)] if number else []), Segment(f"{mark} ", style)]


def _firsts(rows: list[list[Segment]]) -> list[tuple[bool, list[Segment]]]:
    return [(place == 0, cells) for place, cells in enumerate(rows)]
