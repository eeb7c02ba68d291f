"""The full-screen chat as a Textual application: what it is made of, and its life."""

from typing import TYPE_CHECKING

from textual.app import App

from ally.tui.screen import ChatScreen

if TYPE_CHECKING:
    from ally.app import App as Ally
    from ally.chat.start import Start


class AllyApp(App[int]):
    """Paints at once and opens the chat behind that. `return_value` is the exit code.

    `ally` is the wired application, `start` what the command line wishes, `first` what is said before anything is
    typed.
    """

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, ally: "Ally", start: "Start", first: str = "") -> None:
        super().__init__()
        self.title = "Ally"
        self.chat_screen = ChatScreen(ally, start, first)

    def get_default_screen(self) -> ChatScreen:
        """The chat."""
        return self.chat_screen
