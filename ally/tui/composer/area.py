"""The text area itself: its keys, its marks as units, and characters of several code points."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from rich.cells import split_graphemes
from rich.console import Console
from rich.style import Style
from rich.text import Span, Text
from textual import events
from textual.geometry import Offset, Size
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult, Location, Selection, TextAreaTheme

from ally.tui.composer.blocks import Blocks

KEYS = {
    "left": "cursor_left",
    "right": "cursor_right",
    "ctrl+b": "cursor_left",
    "ctrl+f": "cursor_right",
    "up": "cursor_up",
    "down": "cursor_down",
    "ctrl+left": "cursor_word_left",
    "ctrl+right": "cursor_word_right",
    "alt+left": "cursor_word_left",
    "alt+right": "cursor_word_right",
    "alt+b": "cursor_word_left",
    "alt+f": "cursor_word_right",
    "home": "cursor_line_start",
    "ctrl+a": "cursor_line_start",
    "end": "cursor_line_end",
    "ctrl+e": "cursor_line_end",
    "backspace": "delete_left",
    "ctrl+h": "delete_left",
    "delete": "delete_right",
    "ctrl+w": "delete_word_left",
    "alt+backspace": "delete_word_left",
    "ctrl+backspace": "delete_word_left",
    "alt+d": "delete_word_right",
    "alt+delete": "delete_word_right",
    "ctrl+delete": "delete_word_right",
    "ctrl+u": "delete_to_start_of_line",
    "ctrl+k": "delete_to_end_of_line_or_delete_line",
    "ctrl+x": "cut",
    "ctrl+underscore": "undo",
    "ctrl+minus": "undo",
    "super+z": "undo",
    "ctrl+y": "redo",
    "super+shift+z": "redo",
    "ctrl+shift+a": "select_all",
}
"""What each editing key does. No bindings: those run after the keys that were typed behind them."""

_SELECTING = {
    "shift+left": "cursor_left",
    "shift+right": "cursor_right",
    "shift+up": "cursor_up",
    "shift+down": "cursor_down",
    "shift+home": "cursor_line_start",
    "shift+end": "cursor_line_end",
    "ctrl+shift+left": "cursor_word_left",
    "ctrl+shift+right": "cursor_word_right",
}


class Area(TextArea, inherit_bindings=False):
    """Where the text stands. `look_first` may take a key before it; `settled` is told after each key and
    paste, and whether a character was typed or taken back."""

    DEFAULT_CSS = """
    Area {
        height: auto;
        min-height: 1;
        border: none;
        padding: 0;
        background: transparent;
        scrollbar-size-vertical: 1;
        &:focus { border: none; }
    }
    """
    BINDINGS: ClassVar = []

    def __init__(self, blocks: Blocks, placeholder: str) -> None:
        super().__init__(soft_wrap=True, compact=True, highlight_cursor_line=False)
        self.blocks = blocks
        self.hint = placeholder
        self.look_first: Callable[[str], bool] = lambda key: False
        self.take_paste: Callable[[str], Awaitable[None]]
        self.settled: Callable[[bool], None] = lambda is_typed: None
        self.register_theme(TextAreaTheme("composer", cursor_style=Style()))
        self.theme = "composer"

    # Keys and pastes

    async def _on_key(self, event: events.Key) -> None:
        if await self._obey(event.key):
            event.stop()
            event.prevent_default()
        elif event.is_printable:
            await super()._on_key(event)
        else:
            event.prevent_default()  # Textual would take keys that are the application's
            return
        self.settled(event.is_printable or event.key == "backspace")

    async def _obey(self, key: str) -> bool:
        self._restart_blink()
        if self.look_first(key):
            return True
        if key in ("ctrl+c", "super+c") and not self.selection.is_empty:
            self.action_copy()
        elif key in _SELECTING:
            getattr(self, f"action_{_SELECTING[key]}")(True)
        elif key == "ctrl+k":
            await self.action_delete_to_end_of_line_or_delete_line()
        elif key in KEYS:
            getattr(self, f"action_{KEYS[key]}")()
        else:
            return False
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        await self.take_paste(event.text)
        self.settled(False)

    def type_in(self, text: str) -> None:
        """Put `text` in the place of what is selected, or at the cursor, as if it was typed."""
        self.replace(text, *self.selection, maintain_selection_offset=False)

    # Units: marks, and characters of several code points

    def unit_at(self, location: Location) -> tuple[int, int] | None:
        """Where the unit begins and ends in whose middle `location` is."""
        row, column = location
        if row >= self.document.line_count:
            return None
        line = self.document[row]
        if not 0 < column < len(line):
            return None
        for start, end in self.blocks.spans(line):
            if start < column < end:
                return start, end
        return None if line.isascii() else _cluster(line, column)

    def _snapped(self, location: Location, step: int) -> Location:
        unit = self.unit_at(location)
        return (location[0], unit[step > 0]) if unit else location

    def validate_selection(self, selection: Selection) -> Selection:
        """Never a place inside a unit: the way the cursor went decides for which side of it."""
        before = self.selection
        start = self._snapped(selection.start, 1 if selection.start > before.start else -1)
        end = self._snapped(selection.end, 1 if selection.end > before.end else -1)
        return Selection(start, end)

    def get_cursor_left_location(self) -> Location:
        """The place before the unit on the left."""
        return self._snapped(super().get_cursor_left_location(), -1)

    def get_cursor_right_location(self) -> Location:
        """The place after the unit on the right."""
        return self._snapped(super().get_cursor_right_location(), 1)

    def get_cursor_word_left_location(self) -> Location:
        """The start of the word, or of the mark."""
        return self._snapped(super().get_cursor_word_left_location(), -1)

    def get_cursor_word_right_location(self) -> Location:
        """The end of the word, or of the mark."""
        return self._snapped(super().get_cursor_word_right_location(), 1)

    def edit(self, edit: Edit) -> EditResult:
        """Make the change; what would leave half a unit takes it whole."""
        top, bottom = self._snapped(edit.top, -1), self._snapped(edit.bottom, 1)
        if (top, bottom) != (edit.top, edit.bottom):
            edit = Edit(edit.text, top, bottom, edit.maintain_selection_offset)
        return super().edit(edit)

    @property
    def selected_text(self) -> str:
        """What is selected, with what its marks stand for."""
        return self.blocks.unfold(super().selected_text)

    # What is shown

    def get_line(self, line_index: int) -> Text:
        """The line with its marks, and the cursor over a whole character."""
        line = super().get_line(line_index)
        for start, end in self.blocks.spans(line.plain):
            line.stylize(Style(reverse=False, bold=True, italic=True), start, end)
        row, column = self.cursor_location
        if row == line_index and self._draw_cursor and self.selection.is_empty:
            unit = _cluster(line.plain, column + 1) or (column, column + 1)
            # As a span, since the cell after the last character is added later.
            line.spans.append(Span(column, unit[1], self._cursor_style()))
        return line

    def render_line(self, y: int) -> Strip:
        """One line of the screen; in an empty area the first one says what may be written."""
        if y or self.document.end != (0, 0):
            return super().render_line(y)
        line = Text(self.hint or " ", self.get_component_rich_style("text-area--placeholder"), no_wrap=True, end="")
        if self._draw_cursor:
            line.stylize(self._cursor_style(), 0, 1)
        line.truncate(self.size.width)
        console: Console = self.app.console  # pyright: ignore[reportUnknownMemberType] - Textual leaves its result open
        strip = Strip(line.render(console), line.cell_len)
        return strip.extend_cell_length(self.size.width).apply_style(self.rich_style)

    def _cursor_style(self) -> Style:
        return self.get_component_rich_style("text-area--cursor")

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the text has, up to a third of the screen."""
        return max(1, min(super().get_content_height(container, viewport, width), viewport.height // 3))

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Scroll to the cursor, unless the text was replaced by a shorter one and the cursor is moved only after that,
        as Textual does when it takes a change back."""
        row, _ = self.cursor_location
        return Offset(0, 0) if row >= self.document.line_count else super().scroll_cursor_visible(center, animate)

    def find_matching_bracket(self, bracket: str, search_from: Location) -> Location | None:
        """None: brackets are not matched in prose."""
        return None


def _cluster(line: str, column: int) -> tuple[int, int] | None:
    """The character of several code points in whose middle `column` is."""
    start = max(0, column - 64)
    spans, _ = split_graphemes(line[start : column + 64])
    for first, last, _ in spans:
        if start + first < column < start + last:
            return start + first, start + last
    return None
