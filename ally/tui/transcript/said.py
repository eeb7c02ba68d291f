"""What the user said, and what Ally says besides answers."""

from collections.abc import Sequence

from ally.terminal.text import clean, one_line
from ally.tui.transcript.parted import Growing, PlainReader

MARK = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
"""Before what the user said."""

ENDS = {
    "length": "(The answer reached the model's length limit.)",
    "refused": "(The service stopped this answer.)",
    "max_turns": "(Stopped: the limit --max-turns was reached.)",
    "max_seconds": "(Stopped: the limit --max-seconds was reached.)",
}
"""What is said of the ways a turn ends; the others speak for themselves."""


class Said(Growing):
    """A message of the user and the names of what is attached."""

    def __init__(self, text: str, attached: Sequence[str] = ()) -> None:
        named = "".join(f"\n[{one_line(name)}]" for name in attached)
        super().__init__(PlainReader("user", f"{MARK} ", "  "), (text.strip("\n") + named) or " ")


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
