"""The list in a picker: only the lines that are seen are ever drawn."""

from collections.abc import Sequence
from itertools import groupby, zip_longest
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ally.chat.fuzzy import places, words_of
from ally.terminal.table import cut
from ally.tui.picker_lines import GAP, Entry, Listing, fitted, fitting, listing, widths_of

NUMBERED = 9
"""A list no longer than this has numbers, and a digit takes its option."""
_NOTHING = "Nothing fits."
_BROKEN = 8
"""Columns that lines lose where they are broken before a word, and to their margin."""
_EMPTY = "There is nothing to choose from."


class Rows(ScrollView, can_focus=False):
    """The options that fit what was typed, one of them selected; all of them would take that many `lines`."""

    DEFAULT_CSS = """
    Rows { height: 1fr; width: 1fr; overflow-x: hidden; background: transparent; scrollbar-size-vertical: 1; }
    Rows > .rows--group { text-style: bold; color: $accent; }
    Rows > .rows--match { text-style: bold underline; }
    Rows > .rows--off { text-style: dim; }
    Rows > .rows--selected { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
    Rows:ansi > .rows--selected { text-style: bold reverse; }
    Rows:nocolor > .rows--selected { background: $foreground; color: $background; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--group", "rows--match", "rows--off", "rows--selected"}

    class Moved(Message):
        """Another option is selected, or none."""

    class Clicked(Message):
        """The selected option was clicked on."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._entries = entries
        self._widths = widths_of(entries)
        self._query = ""
        self._found = dict.fromkeys(range(len(entries)), 0)
        self._listing = Listing((), 0)
        self._at = 0
        self.lines = max(1, len(entries) + len({entry.group for entry in entries} - {""}))
        self.is_numbered = len(entries) <= NUMBERED

    @property
    def selected(self) -> Entry | None:
        """The entry that Enter takes."""
        at = self._listing.lines[self._at] if self._at < len(self._listing.lines) else None
        return self._entries[at] if isinstance(at, int) else None

    @property
    def count(self) -> int:
        """How many options fit."""
        return len(self._found)

    @property
    def whole(self) -> str:
        """What stands beside the name of the selected option, in full."""
        return _told(self.selected) if self.selected else ""

    def cut_rows(self, columns: int, *, most: int) -> int:
        """Rows, at most so many, for the longest text beside a name; 0 if a list so wide cuts none."""
        if not self._entries:
            return 0
        margin = self._margin(0, self._entries[0], is_selected=False)
        drawn = fitted(self._widths, columns - cell_len(margin))
        if all(wide <= room for wide, room in zip_longest(self._widths, drawn, fillvalue=0)):
            return 0
        longest = max(cell_len(_told(entry)) for entry in self._entries)
        return min(most, -(-longest // max(1, columns - _BROKEN)))

    def on_mount(self) -> None:
        """Begin with the current option."""
        self.filter("")

    def filter(self, query: str) -> None:
        """List what fits `query`, and select the best of it; with none typed, all and the current one."""
        goes_on = query.startswith(self._query) and self._query
        self._found = fitting(self._entries, query, list(self._found) if goes_on else None)
        self._query = query
        is_sorted = bool(query.strip())
        self._listing = listing(self._entries, self._found, is_sorted=is_sorted)
        self.virtual_size = Size(0, max(1, len(self._listing.lines)))
        self._select(self._listing.best if is_sorted else self._current())
        self.refresh()

    def move(self, steps: int) -> None:
        """Select the option that many lines further down, or up, and stop at the ends."""
        lines = self._listing.lines
        if not lines:
            return
        at = min(max(self._at + steps, 0), len(lines) - 1)
        way = 1 if steps > 0 else -1
        while 0 <= at < len(lines) and not isinstance(lines[at], int):
            at += way
        if not 0 <= at < len(lines):  # a heading is the first line; the last is always an option
            at = next(place for place, line in enumerate(lines) if isinstance(line, int))
        self._select(at)

    def number(self, digit: int) -> bool:
        """Select the option with that number; False if there is none."""
        places = [place for place, line in enumerate(self._listing.lines) if isinstance(line, int)]
        if not self.is_numbered or not 1 <= digit <= len(places):
            return False
        self._select(places[digit - 1])
        return True

    def render_line(self, y: int) -> Strip:
        """One line as it is on the screen."""
        place, width, base = y + self.scroll_offset.y, self.scrollable_content_region.width, self.rich_style
        lines = self._listing.lines
        if not lines:
            text = (_NOTHING if self._entries else _EMPTY) if y == 0 else ""
            return Strip([Segment(set_cell_size(text, width), base)], width)
        if place >= len(lines):
            return Strip.blank(width, base)
        line = lines[place]
        if isinstance(line, str):
            style = base + self._style("rows--group")
            return Strip([Segment(set_cell_size(line, width), style)], width)
        return self._row(place, self._entries[line], base)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the selected option in sight."""
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        """Select what was clicked on, and take it."""
        at = event.get_content_offset(self)
        place = at.y + self.scroll_offset.y if at is not None else -1
        if 0 <= place < len(self._listing.lines) and isinstance(self._listing.lines[place], int):
            self._select(place)
            self.post_message(self.Clicked())

    def _row(self, place: int, entry: Entry, base: Style) -> Strip:
        width, is_selected = self.scrollable_content_region.width, place == self._at
        if entry.option.why_not:
            base += self._style("rows--off")
        if is_selected:
            base += self._style("rows--selected")
        margin = self._margin(place, entry, is_selected)
        segments, marked = [Segment(margin, base)], set(self._marked(entry))
        for cell, wide, at in _cells(entry, fitted(self._widths, width - cell_len(margin))):
            if at:
                segments.append(Segment(" " * GAP, base))
            shown = cut(cell, wide)
            for is_match, place_and_char in groupby(enumerate(shown, at), lambda one: one[0] in marked):
                style = base + self._style("rows--match") if is_match else base
                segments.append(Segment("".join(char for _, char in place_and_char), style))
            segments.append(Segment(" " * (wide - cell_len(shown)), base))
        return Strip(segments).adjust_cell_length(width, base)

    def _margin(self, place: int, entry: Entry, is_selected: bool) -> str:
        mark = "*" if entry.option.is_current else "✗" if entry.option.why_not else " "
        pointer = ">" if is_selected else " "
        if not self.is_numbered:
            return f"{pointer}{mark} "
        number = sum(isinstance(line, int) for line in self._listing.lines[: place + 1])
        return f"{pointer}{mark} {number} "

    def _marked(self, entry: Entry) -> list[int]:
        words = words_of(self._query)
        return places(words, entry.text) if words else []

    def _current(self) -> int:
        lines = self._listing.lines
        options = [place for place, line in enumerate(lines) if isinstance(line, int)]
        marked = (place for place in options if self._entries[_number(lines[place])].option.is_current)
        return next(marked, options[0] if options else 0)

    def _select(self, place: int) -> None:
        self.refresh_line(self._at)
        self.refresh_line(place)
        self._at = place
        self._reveal()
        self.post_message(self.Moved())

    def _reveal(self) -> None:
        """Scroll until the selected line is seen, and the name of its group if that is just above."""
        height, top = self.size.height, self.scroll_offset.y
        if not height:
            return
        first = self._at - 1 if self._at and isinstance(self._listing.lines[self._at - 1], str) else self._at
        if first < top:
            self.scroll_to(y=first, animate=False, immediate=True)
        elif self._at >= top + height:
            self.scroll_to(y=self._at - height + 1, animate=False, immediate=True)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)


def _cells(entry: Entry, widths: Sequence[int]) -> list[tuple[str, int, int]]:
    """What is drawn of an entry: each cell, how wide, and where it begins in the text that is searched."""
    drawn: list[tuple[str, int, int]] = []
    at = 0
    for cell, wide in zip(entry.cells, widths, strict=False):
        if wide:
            drawn.append((cell, wide, at))
        at += len(cell) + 1
    return drawn


def _told(entry: Entry) -> str:
    return " · ".join(filter(None, entry.cells[1:])) or entry.cells[0]


def _number(line: str | int) -> int:
    return line if isinstance(line, int) else 0
