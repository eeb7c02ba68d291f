"""Everything that was said and done, newest last."""

from collections.abc import Iterator, Sequence

from rich.text import Text
from textual.strip import Strip
from textual.widgets import RichLog

from ally.events import Event, TextDelta, TurnFailed, TurnFinished
from ally.messages import Message
from ally.terminal.text import clean
from ally.tui.look import Look
from ally.tui.transcript.block import Block


class Transcript(RichLog, can_focus=False):
    """Shows events as lines."""

    selected: Block | None = None
    look = Look()

    def __init__(self) -> None:
        super().__init__(markup=False, wrap=True)
        self._answer = ""

    def add(self, event: Event) -> None:
        """Show what `event` adds."""
        match event:
            case TextDelta(text):
                self._answer += text
            case TurnFinished():
                self.say(self._answer)
                self._answer = ""
            case TurnFailed(error):
                self.error(error.message, error.hint or "")
            case _:
                pass

    def user_said(self, text: str, attached: Sequence[str] = ()) -> None:
        """Show what the user said."""
        self.say(f"> {text}")

    def say(self, text: str) -> None:
        """Show a remark."""
        self.write(Text(clean(text)))

    def error(self, message: str, hint: str = "") -> None:
        """Show what went wrong and what to do."""
        self.say(f"{message}\n→ {hint}" if hint else message)

    def load(self, messages: Sequence[Message]) -> None:
        """Show a history."""
        for message in messages:
            if message.role != "tool":
                self.say(message.text)

    def append(self, block: Block) -> None:
        """Show one more block."""

    def toggle(self) -> None:
        """Open or close the selected block, else the newest."""

    def select(self, step: int) -> None:
        """Select the block before or after."""

    def scroll_to_end(self) -> None:
        """The newest lines."""
        self.scroll_end(animate=False)

    def printed(self, columns: int) -> Iterator[Strip]:
        """All of it, for the terminal's own scrollback."""
        yield from self.lines
