"""What the model thought, and other texts of which one line is enough until somebody asks for more."""

import time
from collections.abc import Sequence
from typing import Literal

from ally.terminal.text import clean
from ally.tui.transcript.leaves import Section, Words
from ally.tui.transcript.parted import Growing, PlainReader

View = Literal["folded", "open", "hidden"]


class Folded(Growing):
    """A line that opens; below it a text in which nothing is marked up."""

    is_tight = True

    def __init__(self, title: str, text: str = "") -> None:
        super().__init__(PlainReader("dim", "  ", "  "), text)
        self._title = title
        self._head = Section()
        self._shown = ""

    @property
    def can_open(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride] - found, not set
        """Whether there is a text."""
        return bool(self._texts)

    @property
    def is_read(self) -> bool:
        """Closed, it needs not be read."""
        return not self.is_open or super().is_read

    @property
    def parts(self) -> Sequence[Section]:
        """The line, and the text if it is open."""
        title = self._named()
        mark = "" if not self.can_open else "▾ " if self.is_open else "▸ "
        if self._shown != mark + title:
            self._shown = mark + title
            self._head.leaves = [Words(clean(title), "dim", mark, "  " if mark else "", is_markdown=False)]
            self._head.version += 1
        return [self._head, *super().parts] if self.is_open else [self._head]

    def guess(self, width: int) -> int:
        """One row while it is closed."""
        return 1 + super().guess(width) if self.is_open else 1

    def _named(self) -> str:
        return self._title


class Thinking(Folded):
    """`thought for 12 s`, from the first piece until `end`; without a time where it was read from a history."""

    def __init__(self, text: str = "", *, view: View = "folded", is_redacted: bool = False) -> None:
        super().__init__("thought, but the service does not show it" if is_redacted else "thought", text)
        self._begun = time.monotonic()
        self._seconds: float | None = None
        self._is_past = bool(text) or is_redacted
        self._view: View = view
        self.is_open = view == "open"

    def show(self, view: View) -> None:
        """Only its line, all of it, or nothing."""
        self._view, self.is_open = view, view == "open"
        self.version += 1

    def end(self) -> None:
        """The model has thought."""
        if self._seconds is None:
            self._seconds = time.monotonic() - self._begun
        super().end()

    @property
    def parts(self) -> Sequence[Section]:
        """None where thinking is hidden."""
        return [] if self._view == "hidden" else super().parts

    def guess(self, width: int) -> int:
        """No row where it is hidden."""
        return 0 if self._view == "hidden" else super().guess(width)

    def _named(self) -> str:
        if self._is_past:
            return self._title
        if self._seconds is None:
            return "thinking …"
        return f"thought for {self._seconds:.0f} s" if self._seconds >= 1 else "thought for less than 1 s"
