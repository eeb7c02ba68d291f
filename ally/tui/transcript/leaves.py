"""The smallest parts of what is shown: a paragraph, some lines of code, a few rows of a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from ally.tui.look import Look
from ally.tui.transcript import code
from ally.tui.transcript.rows import Piece, expanded
from ally.tui.transcript.wrap import TAB, Row, wrap


class Leaf(Protocol):
    """Something that stays as it is and can be drawn for any width."""

    def rows(self, width: int, look: Look) -> Sequence[Row]:
        """Its rows."""
        ...

    def guess(self, width: int) -> int:
        """About how many rows it has, found quickly."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """Text. `style` names a style of the look, `is_markdown` says whether marks in it mean something.

    `lead` and `rest` stand before the first and the other rows; `joint` is what joins it to the text before where it
    goes on in the middle of a line, else None.
    """

    text: str
    style: str = "text"
    lead: str = ""
    rest: str = ""
    is_markdown: bool = True
    joint: str | None = None

    def rows(self, width: int, look: Look) -> Sequence[Row]:
        """Folded between words."""
        base: Style = getattr(look, self.style)
        text = self.text.replace("\t", TAB)
        if self.is_markdown:
            from ally.tui.transcript.markdown_inline import pieces  # heavy

            rows = wrap(pieces(text, look, base), width, mark(self.lead, look), mark(self.rest, look))
        else:
            rows = wrap([(text, base)], width, [(self.lead, base)], [(self.rest, base)])
        rows[0].joint = self.joint
        return rows

    def guess(self, width: int) -> int:
        """By its length."""
        return guess(self.text, width - len(self.rest))


@dataclass(frozen=True, slots=True)
class Gap:
    """An empty row, with what stands at the left of it."""

    lead: str = ""

    def rows(self, width: int, look: Look) -> Sequence[Row]:
        """One."""
        return wrap([("", look.text)], width, mark(self.lead.rstrip(), look))

    def guess(self, width: int) -> int:
        """One."""
        return 1


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""

    source: str
    lead: str = ""

    def rows(self, width: int, look: Look) -> Sequence[Row]:
        """One; copied it is a rule again."""
        left = mark(self.lead, look)
        room = width - sum(cell_len(text) for text, _ in left)
        if room < 1:
            left, room = [], width
        return [Row([*(Segment(*part) for part in left), Segment("─" * room, look.rule)])]

    def guess(self, width: int) -> int:
        """One."""
        return 1


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of code. `tail` of them, at the end, have just come and are coloured by themselves."""

    lines: tuple[str, ...]
    language: str = ""
    lead: str = ""
    rest: str = ""
    is_more: bool = False
    tail: int = 0

    def rows(self, width: int, look: Look) -> Sequence[Row]:
        """Long lines go on in the next row, so that all of it can be read and copied."""
        lines = tuple(expanded(line) for line in self.lines)
        whole = lines[: len(lines) - self.tail]
        colored = code.colored(whole, self.language, look)
        if self.tail:
            colored += code.colored(lines[len(whole) :], self.language, look)
        lead, rest = mark(self.lead, look), mark(self.rest, look)
        rows: list[Row] = []
        for parts in colored:
            rows += wrap(parts, width, rest if rows else lead, rest, by_word=False)
        if self.is_more and rows:
            rows[0].joint = ""
        return rows

    def guess(self, width: int) -> int:
        """By the lengths of its lines."""
        room = max(1, width - len(self.rest))
        return sum(max(1, -(-len(line) // room)) for line in self.lines)


def guess(text: str, width: int) -> int:
    """About how many rows `text` has."""
    return text.count("\n") + 1 + int(len(text) / max(8, width) * 0.9)


def mark(prefix: str, look: Look) -> list[Piece]:
    """What stands at the left, the bars of quotations apart."""
    if not prefix:
        return []
    bars = len(prefix) - len(prefix.lstrip("│ "))
    parts = [(prefix[:bars], look.quote), (prefix[bars:], look.accent)]
    return [part for part in parts if part[0]]


_LEAST_INDENTED = 24


@dataclass(slots=True)
class Section:
    """Leaves that are drawn together, `indent` columns further in. `version` grows with each change."""

    leaves: list[Leaf] = field(default_factory=list[Leaf])
    size: int = 0
    version: int = 0
    indent: int = 0

    def lines(self, width: int, look: Look) -> Sequence[Row]:
        """The rows of all of them."""
        indent = self._indent(width)
        rows = [row for leaf in self.leaves for row in leaf.rows(width - indent, look)]
        if not indent:
            return rows
        margin = Segment(" " * indent)
        return [Row((margin, *row), row.margin + indent, row.joint) for row in rows]

    def guess(self, width: int) -> int:
        """About how many rows they have."""
        return sum(leaf.guess(width - self._indent(width)) for leaf in self.leaves)

    def _indent(self, width: int) -> int:
        """None where every column is needed."""
        return self.indent if width >= _LEAST_INDENTED else 0
