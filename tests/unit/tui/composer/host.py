"""A small application around a composer."""

from collections.abc import Callable
from pathlib import Path

from textual import events
from textual.app import App, ComposeResult
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Static

from ally.tui.composer.area import Area
from ally.tui.composer.composer import Composer
from ally.tui.composer.popup import Popup

COMMANDS = (("/help", "what there is"), ("/model [NAME]", "choose the model"), ("/mode [NAME]", "what is allowed"))


def key_of(key: str) -> str:
    """The name that Textual gives to a key."""
    return key if len(key) != 1 or key.isalnum() else _character_to_key(key)


async def settled(pilot: "Pilot[None]") -> None:
    """Wait until every message is seen to, and those that came of it."""
    for _ in range(3):
        await pilot.pause(0.001)


class Host(App[None]):
    """Collects what is sent, and the keys that the composer leaves to the application."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, root: Path | None = None, state: Path | None = None) -> None:
        super().__init__()
        self.composer = Composer()
        self.sent: list[str] = []
        self.unqueued = 0
        self.left: list[str] = []
        self._root, self._state = root, state

    def compose(self) -> ComposeResult:
        yield Static("transcript", id="transcript")
        yield self.composer
        yield Static("status")

    CSS = "#transcript { height: 1fr; }"

    def on_mount(self) -> None:
        self.composer.commands = COMMANDS
        self.composer.root = self._root
        if self._state is not None:
            self.composer.remember(self._state, self._root or Path("/"), lambda text: "sk-secret" in text)
        self.composer.focus()

    async def type(self, pilot: "Pilot[None]", *keys: str) -> None:
        """Press keys as fast as a terminal gives them when somebody types ahead."""
        for key in keys:
            character = key if len(key) == 1 else " " if key == "space" else None
            self.post_message(events.Key(key_of(key), character))
        await settled(pilot)

    async def paste(self, pilot: "Pilot[None]", text: str) -> None:
        """Paste as a terminal does."""
        self.post_message(events.Paste(text))
        await settled(pilot)

    async def until(self, pilot: "Pilot[None]", is_so: Callable[[], bool]) -> None:
        """Wait for what is done in threads; what does not come is seen by the check after it."""
        for _ in range(300):
            if is_so():
                break
            await pilot.pause(0.01)

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        self.sent.append(message.text)

    def on_composer_unqueue(self, message: Composer.Unqueue) -> None:
        self.unqueued += 1

    def on_key(self, event: object) -> None:
        self.left.append(getattr(event, "key", ""))

    @property
    def shown(self) -> str:
        """The text as it stands there, with marks for what is folded."""
        return self.composer.query_one(Area).text

    @property
    def offered(self) -> list[str]:
        """What the list shows."""
        return [row.label for row in self.composer.query_one(Popup).rows]

    def screen_text(self) -> str:
        """What is on the screen, without colours."""
        lines = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)
