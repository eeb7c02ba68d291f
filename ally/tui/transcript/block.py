"""The contract of what stands in the transcript."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from textual.strip import Strip

from ally.tui.look import Look


class Block(ABC):
    """One part of the transcript: a message, an answer, a call of a tool.

    `version` grows with everything that changes its lines, so that they can be kept until then. `can_open` says
    whether there is more to it than is shown, `is_open` whether that is shown now. Between two blocks of which both are
    `is_tight` there is no empty row.
    """

    version: int = 0
    can_open: bool = False
    is_open: bool = False
    is_tight: bool = False

    @abstractmethod
    def lines(self, width: int, look: Look) -> Sequence[Strip]:
        """Its lines, each at most `width` columns (at least 1) wide, without anything a terminal would obey."""

    @abstractmethod
    def text(self) -> str:
        """All of it as plain text, for copying."""

    def toggle(self) -> None:
        """Show what is hidden, or hide it again."""
        if self.can_open:
            self.is_open = not self.is_open
            self.version += 1
