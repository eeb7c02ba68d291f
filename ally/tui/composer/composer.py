"""The place to write in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea


class _Area(TextArea):
    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(Composer.Submitted(self.text))
            self.text = ""
            return
        if event.key in ("tab", "shift+tab", "escape"):
            return
        await super()._on_key(event)


class Composer(Vertical):
    """A text area that sends."""

    @dataclass
    class Submitted(Message):
        """A whole text was sent."""

        text: str

    commands: Sequence[tuple[str, str]] = ()
    root: Path | None = None
    is_popup_open = False

    def compose(self) -> ComposeResult:
        """One area."""
        yield _Area(compact=True)

    @property
    def text(self) -> str:
        """What is written."""
        return self.query_one(_Area).text

    def restore(self, text: str) -> None:
        """Put a text back."""
        self.query_one(_Area).text = text

    def insert(self, text: str) -> None:
        """Add text at the cursor."""
        self.query_one(_Area).insert(text)

    def clear(self) -> None:
        """Forget what is written."""
        self.restore("")

    def focus(self, scroll_visible: bool = True) -> "Composer":
        """Take the keys."""
        self.query_one(_Area).focus(scroll_visible)
        return self
