"""The full-screen chat as a Textual application: what it is made of, and its life."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from textual.app import App
from textual.theme import Theme

from ally.config.glance import may_be_set
from ally.config.paths import config_files
from ally.errors import AllyError
from ally.tui.look import Look
from ally.tui.screen import ChatScreen
from ally.tui.themes import THEMES, choose_theme, look_of

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
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = choose_theme(_kept_theme(ally), os.environ)
        self.chat_screen = ChatScreen(ally, start, first)
        self.diff: Literal["auto", "unified", "side-by-side"] = "auto"
        """How changes are laid out."""
        self.failure: AllyError | None = None
        """Why the chat could not go on, to be said when the terminal is the shell's again."""

    def get_default_screen(self) -> ChatScreen:
        """The chat."""
        return self.chat_screen

    def on_mount(self) -> None:
        """Follow the theme."""
        self.theme_changed_signal.subscribe(self, self._look_anew)

    @property
    def look(self) -> Look:
        """The styles of the theme in use."""
        return replace(look_of(self.current_theme, has_color=not self.no_color), diff=self.diff)

    def give_up(self, error: AllyError) -> None:
        """Leave, because there can be no chat."""
        self.failure = error
        self.exit()

    def copy_to_clipboard(self, text: str) -> None:
        """Keep `text` for Ctrl-V, and put it into the terminal's clipboard."""
        from ally.tui.clipboard import copy  # late: only who copies needs it

        self._clipboard = text
        if text and not copy(self, text):
            trouble = "The terminal's clipboard cannot take this: only Ctrl-V here has it."
            self.notify(trouble, severity="warning", markup=False)

    @contextmanager
    def suspend(self) -> Generator[None]:
        """Give the terminal away for a while; the screen comes back, whatever happens meanwhile."""
        trouble: BaseException | None = None
        with super().suspend():
            try:
                yield
            except BaseException as error:  # noqa: BLE001 - boundary: with it, Textual would leave the screen away
                trouble = error
        if trouble is not None:
            raise trouble

    def _look_anew(self, theme: Theme) -> None:
        self.chat_screen.take_look(self.look)


def _kept_theme(ally: "Ally") -> str | None:
    """The theme that the user keeps; the settings are read before the first paint only where one may be there."""
    if not may_be_set("theme", config_files(ally.paths, ally.checkout)):
        return None
    try:
        return ally.load({}).settings.tui.theme
    except AllyError:  # it is said when the chat is opened
        return None
