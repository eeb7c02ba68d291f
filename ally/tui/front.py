"""The full screen as a chat's front end."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ally.chat.front import Option
from ally.messages import Message
from ally.tui.quiet import QUIET_S

if TYPE_CHECKING:
    from textual.screen import ModalScreen

    from ally.tui.screen import ChatScreen

PADDING = 3
"""Columns at the sides of the transcript that text does not use."""
_FEWEST_COLUMNS = 20


class TuiFront:
    """Shows what commands say in the transcript and asks with screens of its own.

    All but `say` are called in the screen's own loop.
    """

    def __init__(self, screen: "ChatScreen", send: Callable[[str], None]) -> None:
        self._screen = screen
        self._send = send
        self._thread = threading.get_ident()
        self.is_unasked = True
        """Whether what is asked comes by itself: then nothing that is being typed may answer it."""

    @property
    def can_ask(self) -> bool:
        """Always: somebody looks."""
        return True

    @property
    def columns(self) -> int | None:
        """What fits beside the bars of the transcript."""
        return max(_FEWEST_COLUMNS, self._screen.size.width - PADDING)

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The keys of the screen and of its composer, each with what it does."""
        return self._screen.keys

    @property
    def themes(self) -> Sequence[Option]:
        """The themes there are, the one in use marked."""
        from ally.tui.themes import LABELS  # late: only /theme needs it

        used = self._screen.program.theme
        return [Option(name, name, (LABELS[name],), is_current=name == used) for name in LABELS]

    def say(self, text: str) -> None:
        """Show a remark; it may come from any thread."""
        if threading.get_ident() == self._thread:
            self._screen.transcript.say(text)
        else:
            self._screen.program.call_from_thread(self._screen.transcript.say, text)

    def show_work(self, text: str) -> bool:
        """Show it in the status line."""
        self._screen.status.busy(text, None)
        return True

    async def choose(
        self, title: str, options: Sequence[Option], preview: Callable[[str], str] | None = None
    ) -> str | None:
        """The value the user picks from a list that can be searched."""
        from ally.tui.picker import Picker  # heavy

        await self._when_quiet()
        return await self._asked(Picker(title, options, preview, quiet_s=QUIET_S if self.is_unasked else 0.0))

    async def write(self, title: str, text: str) -> str | None:
        """`text` as it comes back from the user's editor."""
        return await self._screen.edited(text)

    async def look_at(self, path: Path, line: int) -> None:
        """Open a file in the user's editor, with the screen put aside."""
        from ally.tui.composer.outside import look_outside  # late: only /open needs it

        await look_outside(self._screen.program, path, line)

    def send(self, text: str) -> None:
        """Say `text` to the model before anything else that waits."""
        self._send(text)

    def restore(self, text: str) -> None:
        """Put `text` into the composer."""
        self._screen.composer.restore(text)

    def show(self, messages: Sequence[Message]) -> None:
        """Show this conversation in place of the one before."""
        self._screen.transcript.clear()
        self._screen.transcript.load(messages)

    def show_change(self, change: str) -> None:
        """Add the diff to the transcript."""
        from ally.tui.transcript.diff import DiffBlock  # late: only /diff needs it

        self._screen.transcript.append(DiffBlock(change))

    def copy(self, text: str) -> bool:
        """Ask the terminal to put `text` on the clipboard."""
        from ally.tui.clipboard import copy  # late: only /copy needs it

        return copy(self._screen.program, text)

    def set_theme(self, name: str) -> None:
        """Draw in that theme.

        Raises:
            UsageError: there is no such theme.
        """
        from ally.errors import UsageError  # late: only /theme needs it
        from ally.tui.themes import THEMES  # late: the same

        if name not in THEMES:
            raise UsageError(f"There is no theme {name}.", hint=f"the themes are {', '.join(THEMES)}")
        self._screen.program.theme = name

    async def settings(self) -> None:
        """Show the settings until the user is done with them."""
        from ally.tui.settings_screen import SettingsScreen  # heavy

        before = self._screen.ally.settings.tui
        await self._asked(SettingsScreen(self._screen.ally))
        self._screen.take_settings(self._screen.ally.settings.tui, before)

    async def _when_quiet(self) -> None:
        """Who is writing a message is asked when they pause, so that it is not taken for an answer."""
        quiet = self._screen.question.quiet
        if self.is_unasked and quiet.is_typing:
            await quiet.wait(lambda: False, lambda: None)
        await quiet.rest(lambda: self._screen.composer.text)

    async def _asked(self, screen: "ModalScreen[Any]") -> Any:  # Any: whatever that screen gives
        return await self._screen.program.push_screen_wait(screen)
