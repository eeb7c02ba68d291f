"""The place to write in: a text area with its mark, and history, completion, drafts and pictures around it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static, TextArea

from ally.tui.composer.area import Area
from ally.tui.composer.blocks import Blocks, plain
from ally.tui.composer.completion import Completion
from ally.tui.composer.keeping import Keeping
from ally.tui.composer.popup import Popup
from ally.tui.composer.queue import Queue
from ally.tui.composer.recall import Search, Walk
from ally.tui.composer.written import Page, Written

NEW_LINE = frozenset({"ctrl+j", "shift+enter", "alt+enter", "ctrl+enter"})
KEYS = (
    ("enter", "send"),
    ("ctrl+j, shift+enter, alt+enter, \\ enter", "new line"),
    ("up, down", "earlier messages, from the first and the last line"),
    ("ctrl+r", "search earlier messages"),
    ("@", "name a file, Tab completes"),
    ("ctrl+v", "picture from the clipboard"),
    ("alt+e", "open a folded paste"),
    ("ctrl+g", "write in your editor"),
    ("ctrl+_, ctrl+y", "undo, redo"),
)
"""The keys of the composer and what they do, for the help."""
PLACEHOLDER = "Write a message · / commands · @ files · ! shell · F1 help"
LARGEST_OPENED = 100_000
"""Characters of a folded paste that may be opened in the text."""

_MARK, _SEARCHING = ">", "?"
_MODES = {"/": (":", "-command"), "!": ("$", "-shell")}
"""By the first character: the mark, and the class for the style."""


class Composer(Vertical):
    """Where the user writes. The application sets `commands` and `root` and calls `remember` once it knows them."""

    DEFAULT_CSS = """
    Composer {
        height: auto;
        & > Horizontal { height: auto; }
        & #mark { width: 2; height: 1; color: $primary; text-style: bold; }
        &.-shell #mark { color: $warning; }
        &.-command #mark { color: $accent; }
    }
    """

    @dataclass
    class Submitted(Message):
        """A text was sent; long pastes stand in it in full, pictures as `@path`."""

        text: str

    @dataclass
    class Unqueue(Message):
        """The user wants the newest of the waiting texts back, for editing."""

    def __init__(self) -> None:
        super().__init__()
        self._blocks = Blocks()
        self._area = Area(self._blocks, PLACEHOLDER)
        self._area.look_first = self._take_key
        self._area.take_paste = self._take_paste
        self._area.settled = self._settled
        self._page = Page(self._area, self._blocks)
        self._mark = Static(_MARK, id="mark", markup=False)
        self._shown = (_MARK, "")
        self._popup = Popup()
        self._queue = Queue()
        self._completion = Completion(self._area, self._popup)
        self._walk = Walk(self._page)
        self._search = Search(self._page, self._popup)
        self._keeping = Keeping(self, self._page, lambda: self.written)

    def compose(self) -> ComposeResult:
        """What waits, the list over the text, and the area beside its mark."""
        yield self._queue
        yield self._popup
        with Horizontal():
            yield self._mark
            yield self._area

    @property
    def _program(self) -> App[Any]:  # Any: whatever the application ends with
        return cast(App[Any], self.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves its result open

    # What the application asks for

    @property
    def commands(self) -> Sequence[tuple[str, str]]:
        """Usage and help of what `/` completes."""
        return self._completion.commands

    @commands.setter
    def commands(self, commands: Sequence[tuple[str, str]]) -> None:
        self._completion.commands = commands

    def complete_with(self, complete: Callable[[str], Sequence[str]]) -> None:
        """Let `complete` say which texts the beginning of a command may become; it never waits, and is asked again."""
        self._completion.complete = complete

    @property
    def root(self) -> Path | None:
        """The folder whose files `@` completes."""
        return self._completion.root

    @root.setter
    def root(self, root: Path | None) -> None:
        self._completion.root = root

    def remember(self, state: Path, folder: Path, is_secret: Callable[[str], bool] = lambda text: False) -> None:
        """Keep the history and this folder's draft in the folder `state`; a draft from before comes back.

        A text for which `is_secret` is true is kept nowhere.
        """
        self._keeping.begin(state, folder, is_secret)
        self._walk.history = self._keeping.history

    @property
    def text(self) -> str:
        """What is written, as it would be sent."""
        waiting = self._search.waiting
        return self._page.text if waiting is None else Blocks(waiting.meant).unfold(waiting.text)

    @property
    def written(self) -> Written:
        """What is written, with its folded blocks."""
        return self._search.waiting or self._page.written

    @property
    def is_popup_open(self) -> bool:
        """Whether Esc and Tab belong to a list above the text."""
        return self._popup.is_open or self._search.waiting is not None

    def restore(self, text: str) -> None:
        """Put a text in the place of what is written."""
        self._page.show(text, at_end=True)
        self._settled()

    def insert(self, text: str) -> None:
        """Add text at the cursor; a long one is folded."""
        self._page.insert(plain(text))
        self._settled()

    def clear(self) -> None:
        """Take what is written away; undo brings it back."""
        self._area.history.checkpoint()
        self._area.clear()
        self._settled()

    def show_queue(self, texts: Sequence[str]) -> None:
        """Show what waits until it can be said."""
        self._queue.texts = texts

    def focus(self, scroll_visible: bool = True) -> "Composer":
        """Take the keys."""
        self._area.focus(scroll_visible)
        return self

    # Keys

    def _take_key(self, key: str) -> bool:
        if self._search.waiting is not None:
            return self._search.take_key(key)
        if self._completion.take_key(key):
            return True
        area = self._area
        match key:
            case "enter":
                self._enter()
            case "up" | "ctrl+p" if area.navigator.is_first_wrapped_line(area.cursor_location):
                return self._go_back()
            case "down" | "ctrl+n" if area.navigator.is_last_wrapped_line(area.cursor_location):
                return self._walk.newer()
            case "ctrl+r" if self._keeping.history is not None:
                self._search.begin(self._keeping.history)
            case "ctrl+d" if area.text:
                area.action_delete_right()
            case "ctrl+v":
                self.run_worker(self._paste_clipboard, exclusive=True, group="clipboard")
            case "ctrl+g":
                self.run_worker(self._edit_outside, exclusive=True, group="editor")
            case "alt+e":
                self._open_block()
            case _ if key in NEW_LINE:
                area.type_in("\n")
            case _:
                return False
        return True

    def _enter(self) -> None:
        area = self._area
        row, column = area.cursor_location
        line = area.document[row]
        if area.selection.is_empty and column == len(line) and line.endswith("\\"):
            area.replace("\n", (row, column - 1), (row, column), maintain_selection_offset=False)
        elif area.text.strip():
            text = self._page.text
            self._walk.forget()
            self._page.written = Written("")
            self._keeping.sent(text)
            self.post_message(self.Submitted(text))

    def _go_back(self) -> bool:
        if self._queue.texts and not self._area.text:
            self.post_message(self.Unqueue())
            return True
        return self._walk.older()

    def _open_block(self) -> None:
        """Put the paste at the cursor, else the last one, into the text itself."""
        area = self._area
        row, column = area.cursor_location
        spans = [
            (at, *span) for at in range(area.document.line_count) for span in self._blocks.spans(area.document[at])
        ]
        here = [span for span in spans if span[0] == row and span[1] <= column <= span[2]] or spans[-1:]
        if not here:
            return
        row, start, end = here[0]
        text = self._blocks.meant[area.document[row][start:end]]
        if len(text) > LARGEST_OPENED:
            self.notify("This paste is too long to be shown here; Ctrl-G opens it in your editor.", markup=False)
        else:
            area.replace(text, (row, start), (row, end), maintain_selection_offset=False)

    # What comes from outside

    async def _take_paste(self, text: str) -> None:
        from ally.tui.composer.pasting import pictures_in, tidied  # late: only a paste needs it

        text = await tidied(text)
        if self._search.waiting is not None:
            self._page.insert(" ".join(text.split())[:200])
        elif marks := await pictures_in(text, self._completion.root, self._blocks, self._area.text):
            self._area.type_in(marks)
        else:
            self._page.insert(text)

    async def _paste_clipboard(self) -> None:
        from ally.tui.composer.pasting import from_clipboard  # late: only this key needs it

        found = await from_clipboard(self._blocks, self._area.text)
        if found.mark:
            self._area.type_in(found.mark)
        elif self._program.clipboard:
            self.insert(self._program.clipboard)
        else:
            self.notify(found.problem, severity="warning", markup=False)

    async def _edit_outside(self) -> None:
        from ally.tui.composer.outside import edit_outside  # late: only this key needs it

        text = await edit_outside(self._program, self.text)
        if text is not None:
            self.restore(text)

    # What follows from a change

    def _settled(self, is_typed: bool = False) -> None:
        if self._search.waiting is not None:
            self._search.update()
        else:
            self._completion.update(may_open=is_typed)
            self._keeping.changed()
        self._show_mode()

    def _show_mode(self) -> None:
        is_searching = self._search.waiting is not None
        now, name = _MODES.get(self._area.document[0][:1], (_MARK, ""))
        shown = (_SEARCHING if is_searching else now, name)
        if shown == self._shown:  # an update would lay the whole screen out anew, with every key
            return
        self._shown = shown
        self._mark.update(shown[0])
        for _, one in _MODES.values():
            self.set_class(one == name and not is_searching, one)

    def on_text_area_changed(self, message: TextArea.Changed) -> None:
        """Follow what was changed in other ways than by a key: undo, the mouse."""
        message.stop()
        self._settled()

    def on_text_area_selection_changed(self, message: TextArea.SelectionChanged) -> None:
        """Follow the cursor."""
        message.stop()
        self._settled()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Close the list: its keys go elsewhere now."""
        self._completion.update(may_open=False)

    def on_unmount(self) -> None:
        """Keep what is not sent."""
        self._keeping.end()
