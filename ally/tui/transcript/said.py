"""What the user said, and what Ally says besides answers."""

from collections.abc import Sequence

from ally.terminal.text import clean, one_line
from ally.tui.transcript.leaves import Section, Words
from ally.tui.transcript.parted import Growing, PlainReader

MARK = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
"""Before what the user said."""

_LONG_LINES = 20
_SHOWN_LINES = 10

ENDS = {
    "length": "(The answer reached the model's length limit.)",
    "refused": "(The service stopped this answer.)",
    "max_turns": "(Stopped: the limit --max-turns was reached.)",
    "max_seconds": "(Stopped: the limit --max-seconds was reached.)",
}
"""What is said of the ways a turn ends; the others speak for themselves."""


class Said(Growing):
    """A message of the user and the names of what is attached. Of a long one only the beginning, until it is opened."""

    def __init__(self, text: str, attached: Sequence[str] = ()) -> None:
        named = "".join(f"\n[{one_line(name)}]" for name in attached)
        whole = (text.strip("\n") + named) or " "
        super().__init__(PlainReader("user", f"{MARK} ", "  "), whole)
        lines = clean(whole).split("\n")
        self.can_open = len(lines) > _LONG_LINES
        self._beginning = Section()
        if self.can_open:
            start, rest = "\n".join(lines[:_SHOWN_LINES]), f"{len(lines) - _SHOWN_LINES:,} more lines"
            self._beginning.leaves = [
                Words(start, "user", f"{MARK} ", "  ", is_markdown=False),
                Words(rest, "dim", "▸ ", "  ", is_markdown=False),
            ]

    @property
    def _is_short(self) -> bool:
        return self.can_open and not self.is_open

    @property
    def is_read(self) -> bool:
        """The beginning needs not be read."""
        return self._is_short or super().is_read

    @property
    def parts(self) -> Sequence[Section]:
        """The beginning, or all of it if it is open."""
        return [self._beginning] if self._is_short else super().parts

    def guess(self, width: int) -> int:
        """As many rows as are shown."""
        return self._beginning.guess(width) if self._is_short else super().guess(width)


class Remark(Growing):
    """A command's output, or a line about what goes on; as it is, no marks in it mean anything."""

    def __init__(self, text: str, style: str = "text", *, is_tight: bool = False) -> None:
        super().__init__(PlainReader(style), text.strip("\n") or " ")
        self.is_tight = is_tight


class Failure(Growing):
    """What went wrong, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        text = clean(message).strip()
        super().__init__(PlainReader("error", "✗ ", "  "), f"{text}\n→ {clean(hint).strip()}" if hint else text or " ")
