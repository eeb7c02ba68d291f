"""Choosing one of several things: typing filters, the arrows move, Enter takes, Esc gives up."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, Static

from ally.chat.front import Option
from ally.errors import AllyError
from ally.terminal.table import fitting
from ally.terminal.text import clean, one_line
from ally.tui.clean_input import CleanInput
from ally.tui.picker_lines import entries_of
from ally.tui.picker_rows import Rows

BESIDE_COLUMNS, BELOW_ROWS, FRAMED_COLUMNS, FRAMED_ROWS, TITLE_ROWS = 100, 24, 60, 16, 8
"""From these sizes on there is a preview beside the list, one below it, a frame, a title of its own."""
_AROUND_ROWS = 5
"""Of a frame, the title, the filter and the hint."""
_PAUSE_S = 0.05
"""So long the selection rests before its preview is made."""
_KEPT = 200


class _Filter(CleanInput):
    """What is typed to filter. A digit before anything else is typed may take an option."""

    class Digit(Message):
        """A digit was typed where there is no text yet."""

        def __init__(self, digit: int) -> None:
            super().__init__()
            self.digit = digit

    takes_digits = False

    def on_key(self, event: events.Key) -> None:
        """Keep digits out of the text while they choose."""
        if self.takes_digits and not self.value and event.character and event.character in "123456789":
            event.prevent_default()
            event.stop()
            self.post_message(self.Digit(int(event.character)))


class Picker(ModalScreen[str | None]):
    """One of `options`, as its `value`; None when it is given up.

    A list of at most nine has numbers. `preview` gives some lines on a value; it may be slow and is called in a thread.
    Nothing is taken before it was shown for `quiet_s` seconds, for what nobody asked for.
    """

    DEFAULT_CSS = """
    Picker { align: center middle; }
    Picker #box { width: 100%; height: 100%; background: $surface; padding: 0 1; }
    Picker.-framed #box { width: 90%; max-width: 110; height: auto; border: round $primary; }
    Picker.-framed.-tall #box { height: 85%; }
    Picker.-beside.-previews #box { max-width: 170; }
    Picker #title { height: auto; text-style: bold; display: none; }
    Picker.-titled #title { display: block; }
    Picker #filter { height: 1; border: none; padding: 0; background: transparent; }
    Picker #body { height: 1fr; layout: vertical; }
    Picker.-framed #body { height: auto; }
    Picker.-framed.-tall #body { height: 1fr; }
    Picker.-beside #body { layout: horizontal; }
    Picker #preview { display: none; height: 40%; border-top: solid $primary; scrollbar-size-vertical: 1; }
    Picker.-previews.-below #preview { display: block; }
    Picker.-previews.-beside #preview {
        display: block; height: 100%; width: 42%; border-top: none; border-left: solid $primary; padding: 0 0 0 1;
    }
    Picker #preview Static { width: 100%; height: auto; }
    Picker #whole { display: none; margin: 0 0 0 2; }
    Picker.-cuts #whole { display: block; }
    Picker.-previews.-below #whole, Picker.-previews.-beside #whole { display: none; }
    Picker #hint { height: 1; text-style: dim; }
    Picker.-refused #hint { text-style: bold; color: $warning; }
    Picker.-low #hint { display: none; }
    Picker.-low.-refused #hint { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "give_up", "give up", priority=True),
        Binding("up,ctrl+p", "move(-1)", "up", priority=True),
        Binding("down,ctrl+n", "move(1)", "down", priority=True),
        Binding("pageup", "page(-1)", "page up", priority=True),
        Binding("pagedown", "page(1)", "page down", priority=True),
        Binding("home,ctrl+home", "end(-1)", "first", priority=True),
        Binding("end,ctrl+end", "end(1)", "last", priority=True),
        Binding("ctrl+up,alt+up", "scroll_preview(-1)", "preview up", priority=True),
        Binding("ctrl+down,alt+down", "scroll_preview(1)", "preview down", priority=True),
    ]

    def __init__(
        self,
        title: str,
        options: Sequence[Option],
        preview: Callable[[str], str] | None = None,
        *,
        quiet_s: float = 0.0,
    ) -> None:
        super().__init__()
        self._quiet_s = quiet_s
        self._takes_from = math.inf if quiet_s else 0.0
        self._title = one_line(title)
        self._all = len(options)
        self._rows = Rows(entries_of(options))
        self._preview = preview
        self._told = ""
        self._made: dict[str, str] = {}
        self._pause: Timer | None = None
        self._is_making = False

    def compose(self) -> ComposeResult:
        """A title, the filter, the list with its preview, and a line of hints."""
        entry = _Filter(placeholder=self._title, id="filter", select_on_focus=False)
        entry.cursor_blink = False
        entry.takes_digits = self._rows.is_numbered
        with Vertical(id="box"):
            yield Static(id="title", markup=False)
            yield entry
            with Container(id="body"):
                yield self._rows
                with VerticalScroll(id="preview", can_focus=False):
                    yield Static(id="told", markup=False)
            yield Static(id="whole", markup=False)
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.set_class(self._preview is not None, "-previews")
        self.query_one(_Filter).focus()
        if self._quiet_s:
            self.call_after_refresh(self._shown)

    def _shown(self) -> None:
        self._takes_from = time.monotonic() + self._quiet_s

    def on_resize(self, event: events.Resize) -> None:
        """Show what there is room for."""
        wide, high = event.size.width, event.size.height
        self.set_class(wide >= FRAMED_COLUMNS and high >= FRAMED_ROWS, "-framed")
        self.set_class(wide >= BESIDE_COLUMNS and high >= TITLE_ROWS, "-beside")
        self.set_class(wide < BESIDE_COLUMNS and high >= BELOW_ROWS, "-below")
        is_titled = high >= TITLE_ROWS
        self.set_class(is_titled, "-titled")
        self.set_class(not is_titled, "-low")
        self.query_one("#title").styles.max_height = max(1, high // 4)
        spare = high - _AROUND_ROWS - self._rows.lines
        whole = self._rows.cut_rows(self._inner(wide), most=max(high // 6, min(high // 4, spare)))
        self.set_class(whole > 0, "-cuts")
        self.query_one("#whole").styles.height = whole
        is_tall = self._preview is not None or self._rows.lines + whole + _AROUND_ROWS > high * 0.85
        self.set_class(is_tall, "-tall")
        self._rows.styles.height = "1fr" if is_tall or not self.has_class("-framed") else self._rows.lines
        self.query_one(_Filter).placeholder = "type to filter" if is_titled else self._title
        self._tell()

    def _inner(self, wide: int) -> int:
        """Columns of the list on a screen so wide, where nothing stands beside it."""
        framed = min(int(wide * 0.9), 110) - 2 if self.has_class("-framed") else wide
        return framed - 2

    @on(Input.Changed)
    def filter(self, event: Input.Changed) -> None:
        """List what fits."""
        self._rows.filter(event.value)

    @on(_Filter.Digit)
    def take_number(self, event: _Filter.Digit) -> None:
        """Take the option with that number."""
        if self._rows.number(event.digit):
            self._take()

    @on(Input.Submitted)
    @on(Rows.Clicked)
    def take(self) -> None:
        """Take the selected option."""
        self._take()

    @on(Rows.Moved)
    def moved(self) -> None:
        """Tell of the selected option, and begin to make its preview once the selection rests."""
        self._tell()
        if self._preview is None:
            return
        if self._pause is not None:
            self._pause.stop()
        entry = self._rows.selected
        if entry is None or entry.option.value in self._made:
            self._show()
        else:
            self._pause = self.set_timer(_PAUSE_S, self._begin)

    def action_give_up(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    def action_move(self, steps: int) -> None:
        """One option up or down."""
        self._rows.move(steps)

    def action_page(self, way: int) -> None:
        """As far as the list is high."""
        self._rows.move(way * max(1, self._rows.size.height - 1))

    def action_end(self, way: int) -> None:
        """The first option, or the last."""
        self._rows.move(way * (self._all * 2 + 1))

    def action_scroll_preview(self, way: int) -> None:
        """Some lines of the preview on."""
        self.query_one("#preview", VerticalScroll).scroll_relative(y=way * 3, animate=False)

    def _take(self) -> None:
        entry = self._rows.selected
        if entry is not None and not entry.option.why_not and time.monotonic() >= self._takes_from:
            self.dismiss(entry.option.value)

    def _tell(self) -> None:
        """The title with how many fit, and below the list what can be done, or why the option cannot be had."""
        entry, count = self._rows.selected, self._rows.count
        told = f"{self._title} ({count:,} of {self._all:,})" if count < self._all else f"{self._title} ({count:,})"
        if told != self._told:
            self._told = told
            self.query_one("#title", Static).update(Text(told))
        if self.has_class("-cuts"):
            self.query_one("#whole", Static).update(Text(self._rows.whole), layout=False)
        why = one_line(entry.option.why_not) if entry else ""
        self.set_class(bool(why), "-refused")
        can = ["Enter takes", "Esc gives up", "a number takes" if self._rows.is_numbered else ""]
        keys = fitting(can, self.query_one("#box").content_size.width or self.size.width)
        self._write("#hint", f"✗ {why}" if why else keys)

    def _write(self, place: str, line: str) -> None:
        self.query_one(place, Static).update(Text(line, no_wrap=True, overflow="ellipsis"), layout=False)

    def _begin(self) -> None:
        if not self._is_making:
            self._is_making = True
            self.run_worker(self._make())

    async def _make(self) -> None:
        """Make previews until that of the selected option is there; the ones that were passed by are skipped."""
        try:
            while (entry := self._rows.selected) is not None and (value := entry.option.value) not in self._made:
                self.query_one("#told", Static).update(Text("…"))
                text = await asyncio.to_thread(self._preview_of, value)
                if len(self._made) >= _KEPT:
                    self._made.pop(next(iter(self._made)))
                self._made[value] = text
            self._show()
        finally:
            self._is_making = False

    def _preview_of(self, value: str) -> str:
        try:
            return clean(self._preview(value)) if self._preview else ""
        except AllyError as error:
            return clean(error.message)

    def _show(self) -> None:
        entry = self._rows.selected
        self.query_one("#told", Static).update(Text(self._made.get(entry.option.value, "") if entry else ""))
        self.query_one("#preview", VerticalScroll).scroll_home(animate=False)
