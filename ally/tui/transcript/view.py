"""Everything that was said and done, newest last."""

import asyncio
import time
from collections.abc import Iterator, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from ally.events import Event
from ally.messages import Message, UserMessage
from ally.tui.look import Look
from ally.tui.transcript import code
from ally.tui.transcript.bar import Bar
from ally.tui.transcript.block import Block
from ally.tui.transcript.copying import selected_text
from ally.tui.transcript.feed import Feed
from ally.tui.transcript.overlay import hinted, marked
from ally.tui.transcript.parted import Parted
from ally.tui.transcript.printed import printed
from ally.tui.transcript.said import Failure, Remark, Said
from ally.tui.transcript.stack import Stack, Unit
from ally.tui.transcript.thinking import Thinking, View
from ally.tui.transcript.viewport import Viewport

_FRAME_S = 0.04
_TICK_S = 0.1
_WHEEL_ROWS = 3
_GUTTER = 2
_LEAST_COLUMNS = 8
_BAR = "▌ "


class Transcript(ScrollView, can_focus=False):
    """Blocks that scroll, of which only those in sight are drawn.

    It follows what is added unless the user has scrolled away. What is in sight stays where it is when the width
    changes, or when blocks above turn out to be higher than guessed.
    """

    DEFAULT_CSS = """
    Transcript {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
    }
    """
    ALLOW_SELECT = True

    def __init__(self) -> None:
        super().__init__()
        self.selected: Block | None = None
        self._stack = Stack()
        self._feed = Feed(self)
        self._changed: dict[Block, None] = {}
        self._port = Viewport(self._stack)
        self._columns = 0
        self._is_settling = False
        self._frame: Timer | None = None
        self._ticker: Timer | None = None
        self._drawn_at = 0.0
        self._is_loading = False
        self._paints = False

    # What there is

    @property
    def look(self) -> Look:
        """Styles by meaning; setting them draws everything anew."""
        return self._stack.look

    @look.setter
    def look(self, look: Look) -> None:
        self._stack.look = look
        self._soon()

    @property
    def thinking(self) -> View:
        """How thinking is shown, what is there and what comes."""
        return self._feed.thinking

    @thinking.setter
    def thinking(self, view: View) -> None:
        self._feed.thinking = view
        for block in list(self._stack.blocks()):
            if isinstance(block, Thinking):
                block.show(view)
                self.changed(block)

    def add(self, event: Event) -> None:
        """Show what `event` adds."""
        self._feed.add(event)
        if self._ticker is None and self._feed.running and self.is_attached:
            self._ticker = self.set_interval(_TICK_S, self._tick)

    def user_said(self, text: str, attached: Sequence[str] = ()) -> None:
        """Show what the user said, and go to the end."""
        self.append(Said(text, attached))
        self.scroll_to_end()

    def pictures(self, message: UserMessage) -> None:
        """Show the pictures of a message that stands there already."""
        self._feed.pictures(message)

    def say(self, text: str) -> None:
        """Show a command's output or a remark, as it is."""
        self.append(Remark(text))

    def error(self, message: str, hint: str = "") -> None:
        """Show what went wrong and what to do."""
        self.append(Failure(message, hint))

    def load(self, messages: Sequence[Message]) -> None:
        """Show a history."""
        self._feed.load(messages)

    def clear(self) -> None:
        """Show nothing."""
        self._feed.clear()
        self._stack.clear()
        self._changed.clear()
        self._port.clear()
        self.selected = None
        self._soon()

    def append(self, block: Block) -> None:
        """Show one more block."""
        self._stack.append(block)
        self._soon()

    def changed(self, block: Block) -> None:
        """Show what the block has become."""
        self._changed[block] = None
        self._soon()

    def printed(self, columns: int) -> Iterator[Strip]:
        """All of it for the terminal's own scrollback, as open as it is now."""
        return printed(self._stack.blocks(), columns, self.look)

    def blocks(self) -> Iterator[Block]:
        """All that there is, from top to bottom."""
        return self._stack.blocks()

    # Blocks

    def toggle(self) -> None:
        """Open or close the selected block, else the newest that has more to show."""
        block = self.selected
        if block is None:
            block = next((unit.block for unit in reversed(self._stack.units) if unit.block.can_open), None)
        if block is None or not block.can_open:
            return
        if self._port.begins_here(block):
            self._port.follows = False
        block.toggle()
        self.changed(block)
        self._flush()

    def select(self, step: int) -> None:
        """Select the block before (-1) or after (1); past the end none is."""
        blocks = [block for block in self._stack.blocks() if not isinstance(block, Parted) or block.guess(80)]
        place = blocks.index(self.selected) + step if self.selected in blocks else len(blocks) + min(step, 0)
        was, self.selected = self.selected, blocks[max(0, place)] if place < len(blocks) and blocks else None
        for block in (was, self.selected):
            for index in self._stack.of(block) if block is not None else ():
                self._stack.units[index].strips.clear()
        if self.selected is None:
            self.scroll_to_end()
        else:
            self._flush()
            self._port.reveal(self.selected)
            self._settle()
        self.refresh()

    # Scrolling

    def scroll_to_end(self) -> None:
        """Show the newest rows and follow what is added."""
        self._port.follows = True
        self._flush()

    def page(self, step: int) -> None:
        """Scroll by a screen up (-1) or down (1); one row stays in sight."""
        self._move(step * max(1, self._port.rows - 1))

    @property
    def rows_below(self) -> int:
        """Rows that are further down than what is seen."""
        return self._port.rows_below

    @property
    def _gutter(self) -> int:
        return _GUTTER if self._columns >= _LEAST_COLUMNS else 0

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll at once: an animation would fight with heights that become known."""
        event.prevent_default().stop()
        self._move(-_WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll at once."""
        event.prevent_default().stop()
        self._move(_WHEEL_ROWS)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The scrollbar, a key or Textual has scrolled; what Textual takes for the end keeps following it."""
        is_end = self._port.follows and new_value >= self.max_scroll_y
        if not self._is_settling and round(new_value) != self._port.row and not is_end:
            self._port.go(round(new_value))
            self._settle()
            self.refresh()
            new_value = self.scroll_y
        super().watch_scroll_y(old_value, new_value)

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """A bar that is painted quickly, in the place of Textual's own."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = Bar()
            self._vertical_scrollbar.display = False
            self.app._start_widget(self, self._vertical_scrollbar)  # pyright: ignore[reportUnknownMemberType, reportPrivateUsage] - as Textual does it
        return self._vertical_scrollbar

    def _move(self, rows: int) -> None:
        self._port.move(rows)
        self._settle()
        self.refresh()

    def _settle(self) -> None:
        """Put what is in sight where it belongs, and tell Textual."""
        columns, rows = self.scrollable_content_region.size
        self._columns = columns
        if not columns or not rows:
            return
        self._port.resize(columns - self._gutter, rows)
        self._port.settle()
        self._is_settling = True
        size = Size(columns, self._stack.total)
        if size != self.virtual_size:  # nothing else moves, so the screen is not laid out anew
            self.set_reactive(Widget.virtual_size, size)  # pyright: ignore[reportArgumentType] - as in Textual
            self.vertical_scrollbar.window_virtual_size = size.height
        self.scroll_target_y = self.scroll_y = self._port.row
        self._is_settling = False
        if code.is_wanted() and not self._is_loading:
            self._is_loading = True
            self.run_worker(self._load_code(), exit_on_error=False)

    # Frames

    def on_mount(self) -> None:
        """Show what was added before."""
        self._flush()

    def on_resize(self) -> None:
        """Fold everything in sight anew."""
        self._flush()

    def notify_style_update(self) -> None:
        """Other colours lie under the rows."""
        super().notify_style_update()
        self._stack.repaint()

    def _soon(self) -> None:
        """Show what has changed: at once, or if that was just done a little later."""
        if self._frame is None and self.is_attached and self.is_running:
            wait_s = max(0.001, self._drawn_at + _FRAME_S - time.monotonic())
            self._frame = self.set_timer(wait_s, self._flush)

    def _flush(self) -> None:
        if self._frame is not None:
            self._frame.stop()
            self._frame = None
        stack, port = self._stack, self._port
        before = (stack.total, port.row)
        for block in self._changed:
            stack.sync(block)
        stale = min(map(stack.stale_row, self._changed), default=0)
        self._changed.clear()
        self._settle()
        self._drawn_at = time.monotonic()
        if (stack.total, port.row) == before and stale > port.row:
            self.refresh(Region(0, stale - port.row, self._columns, max(1, port.rows - (stale - port.row))))
        else:
            self.refresh()

    def _tick(self) -> None:
        """Calls that run tell how long."""
        running = self._feed.running
        for card in running:
            card.tick()
            self.changed(card)
        if not running and self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    async def _load_code(self) -> None:
        await asyncio.to_thread(code.load)
        self._is_loading = False
        self._stack.forget()
        self._flush()

    # Rows

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows to paint. The places that a selection needs are left out: they would cost more than all the rest.

        Rows are kept as they are painted, so Textual's second cache, which is emptied by every change, is passed by.
        """
        self._paints = True
        try:
            rows = [self.render_line(y) for y in crop.line_range]
        finally:
            self._paints = False
        _, background = self.background_colors
        for each in self.get_line_filters():
            rows = [row.apply_filter(each, background) for row in rows]
        first, stop = crop.column_span
        return rows if first == 0 and stop >= self._columns else [row.crop(first, stop) for row in rows]

    def render_line(self, y: int) -> Strip:
        """A row of what is in sight, with the places of its characters unless it is to be painted."""
        width, stack, row = self._columns, self._stack, self._port.row + y
        if row >= stack.total or not stack.units:
            return Strip.blank(width, self.rich_style)
        index = stack.at(row)
        unit, offset = stack.units[index], row - stack.top(index)
        strip = unit.strips.get(offset)
        if strip is None or strip.cell_length != width:
            strip = unit.keep(offset, self._strip(unit, stack.row(index, offset), width))
        if (selection := self.text_selection) is not None and (span := selection.get_span(unit.key + offset)):
            strip = marked(strip, span, self.screen.get_component_rich_style("screen--selection"))
        if y == self._port.rows - 1 and not self._port.follows and self.rows_below:
            strip = hinted(strip, self.rows_below, width, self.rich_style + self.look.selected)
        return strip if self._paints else strip.apply_offsets(0, unit.key + offset)

    def _strip(self, unit: Unit, row: Strip | None, width: int) -> Strip:
        is_marked = row is not None and unit.block is self.selected
        bar = Segment(_BAR if is_marked else "  ", self.look.accent if is_marked else Style())
        segments = [bar] if self._gutter else []
        base = self.rich_style
        strip = Strip([*segments, *(row or ())]).crop_extend(0, width, None)
        return strip.apply_style(base)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it was written, without bars, and lines that were folded as one."""
        text = selected_text(self._stack, selection, self._gutter)
        return (text, "\n") if text else None
