"""What a running tool prints, as lines that grow."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ally.terminal.text import clean
from ally.tools.output import plain
from ally.tui.transcript.rows import LazyStrips, count, expanded, fold

MAX_LINES = 20_000
"""Of what a tool prints while it runs this many lines are kept, the latest."""

_DROPPED_AT_ONCE = 2_000
_MAX_LINE_CHARS = 20_000


class Output:
    """Lines of text that are added to; colours are left out, of overwritten progress lines the last state stays."""

    def __init__(self, text: str = "") -> None:
        self.lines: list[str] = []
        self.dropped = 0
        self._begun = ""
        self._width = 0
        self._ends: list[int] = []
        if text:
            self.add(text)
            self.close()

    def __bool__(self) -> bool:
        return bool(self.lines or self._begun)

    def add(self, text: str) -> None:
        """More of it; a line may come in pieces."""
        *whole, begun = (self._begun + text).split("\n")
        self.lines += map(_shown, whole)
        if len(begun) > _MAX_LINE_CHARS:
            last = begun.rstrip("\r").rpartition("\r")[2]
            if len(last) > _MAX_LINE_CHARS:
                self.lines.append(_shown(last))
                last = ""
            begun = last
        self._begun = begun
        if len(self.lines) > MAX_LINES + _DROPPED_AT_ONCE:
            self.dropped += len(self.lines) - MAX_LINES
            del self.lines[:-MAX_LINES]
            self._ends.clear()

    def close(self) -> None:
        """Nothing more comes: what was begun is a line."""
        if self._begun:
            self.lines.append(_shown(self._begun))
            self._begun = ""

    def last(self, most: int) -> list[str]:
        """The last lines that are not empty, the one that has just begun included."""
        found: list[str] = []
        begun = _shown(self._begun[-_MAX_LINE_CHARS:]) if self._begun else ""
        for line in (begun, *reversed(self.lines[-4 * most :])):
            if line.strip() and len(found) < most:
                found.append(line)
        return found[::-1]

    def strips(self, width: int, style: Style, indent: str = "") -> Sequence[Strip]:
        """All of it, folded, made when looked at; lines that were measured before are not measured again."""
        room = max(1, width - len(indent))
        indent = indent if width > len(indent) else ""
        if width != self._width:
            self._width, self._ends = width, []
        ends, total = self._ends, self._ends[-1] if self._ends else 0
        for line in self.lines[len(ends) :]:
            total += count(line, room)
            ends.append(total)
        lines = self.lines

        def make(row: int) -> list[Strip]:
            return [Strip([*_blank(indent), *cells]) for cells in fold([(lines[row], style)], room)]

        return LazyStrips(ends, make)


def _shown(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    return expanded(clean(plain(line)))


def _blank(indent: str) -> list[Segment]:
    return [Segment(indent)] if indent else []
