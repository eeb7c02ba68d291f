"""Choosing one of several things."""

from collections.abc import Callable, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option as Row

from ally.chat.front import Option
from ally.terminal.text import one_line


class Picker(ModalScreen[str | None]):
    """A list to choose from."""

    def __init__(self, title: str, options: Sequence[Option], preview: Callable[[str], str] | None = None) -> None:
        super().__init__()
        self._options = options

    def compose(self) -> ComposeResult:
        """One list."""
        yield OptionList(*(Row(Text(one_line(one.label))) for one in self._options))

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Give it back."""
        self.dismiss(self._options[message.option_index].value)

    def key_escape(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
