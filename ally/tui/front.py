"""The full screen as a chat's front end."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ally.chat.front import Option

if TYPE_CHECKING:
    from textual.screen import ModalScreen

    from ally.tui.screen import ChatScreen

PADDING = 3
"""Columns at the sides of the transcript that text does not use."""


class TuiFront:
    """Shows what commands say in the transcript and asks with screens of its own."""

    can_ask = True

    def __init__(self, screen: "ChatScreen") -> None:
        self._screen = screen
        self._thread = threading.get_ident()

    @property
    def columns(self) -> int | None:
        """What fits beside the bars of the transcript."""
        return max(20, self._screen.size.width - PADDING)

    def say(self, text: str) -> None:
        """Show a remark; it may come from any thread."""
        if threading.get_ident() == self._thread:
            self._screen.transcript.say(text)
        else:
            self._screen.program.call_from_thread(self._screen.transcript.say, text)

    async def choose(
        self, title: str, options: Sequence[Option], preview: Callable[[str], str] | None = None
    ) -> str | None:
        """The value the user picks from a list that can be searched."""
        from ally.tui.picker import Picker  # heavy

        return await self._asked(Picker(title, options, preview))

    async def write(self, title: str, text: str) -> str | None:
        """`text` as it comes back from the user's editor."""
        return None

    async def _asked(self, screen: "ModalScreen[Any]") -> Any:  # Any: whatever that screen gives
        return await self._screen.program.push_screen_wait(screen)
