"""The place to write in: a text area with its mark, history, completion and drafts around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from ally.tui.composer.area import Area
from ally.tui.composer.blocks import Blocks, is_long, plain

NEW_LINE = frozenset({"ctrl+j", "shift+enter", "alt+enter", "ctrl+enter"})
PLACEHOLDER = "Write a message · / commands · @ files · ! shell · F1 help"
MARKS = {"/": "/", "!": "!"}
_MARK = ">"
_PIECE = 1_000_000


class Composer(Vertical):
    """Where the user writes. The application sets `commands` and `root` once it knows them."""

    DEFAULT_CSS = """
    Composer {
        height: auto;
        & > Horizontal { height: auto; }
        & #mark { width: 2; height: 1; }
    }
    """

    @dataclass
    class Submitted(Message):
        """A text was sent; long pastes stand in it in full, pictures as `@path`."""

        text: str

    def __init__(self) -> None:
        super().__init__()
        self.commands: Sequence[tuple[str, str]] = ()
        self.root: Path | None = None
        self._blocks = Blocks()
        self._area = Area(self._blocks, PLACEHOLDER)
        self._area.look_first = self._take_key
        self._area.take_paste = self._take_paste
        self._area.settled = self._settled
        self._mark = Static(_MARK, id="mark", markup=False)

    def compose(self) -> ComposeResult:
        """The mark, and the area beside it."""
        with Horizontal():
            yield self._mark
            yield self._area

    # What the application asks for

    @property
    def text(self) -> str:
        """What is written, as it would be sent."""
        return self._blocks.unfold(self._area.text)

    @property
    def is_popup_open(self) -> bool:
        """Whether Esc and Tab belong to a list above the text."""
        return False

    def restore(self, text: str) -> None:
        """Put a text in the place of what is written."""
        self._blocks.clear()
        text = plain(text)
        self._area.text = self._blocks.fold(text, "") if len(text) > 20_000 else text
        self._area.move_cursor(self._area.document.end)
        self._settled()

    def insert(self, text: str) -> None:
        """Add text at the cursor; a long one is folded."""
        text = plain(text)
        self._area.type_in(self._blocks.fold(text, self._area.text) if is_long(text) else text)
        self._settled()

    def clear(self) -> None:
        """Forget what is written."""
        self.restore("")

    def focus(self, scroll_visible: bool = True) -> "Composer":
        """Take the keys."""
        self._area.focus(scroll_visible)
        return self

    # Keys

    def _take_key(self, key: str) -> bool:
        area = self._area
        if key in NEW_LINE:
            area.type_in("\n")
        elif key == "enter":
            self._enter()
        else:
            return False
        return True

    def _enter(self) -> None:
        area = self._area
        row, column = area.cursor_location
        line = area.document[row]
        if area.selection.is_empty and column == len(line) and line.endswith("\\"):
            area.replace("\n", (row, column - 1), (row, column), maintain_selection_offset=False)
        elif area.text.strip():
            text = self.text
            self.clear()
            self.post_message(self.Submitted(text))

    async def _take_paste(self, text: str) -> None:
        self.insert(text)

    def _settled(self) -> None:
        start = self._area.document[0][:1]
        self._mark.update(Text(MARKS.get(start, _MARK)))
