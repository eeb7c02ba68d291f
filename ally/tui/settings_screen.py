"""Looking through the settings and changing them: typing filters, Enter changes, Ctrl-R goes back to the default."""

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import events, on
from textual.app import App as Program
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from ally.chat.front import Option
from ally.chat.listing import in_home
from ally.chat.setting_rows import Setting, change, reset, setting_rows
from ally.config.change import Change
from ally.errors import AllyError
from ally.terminal.table import cut
from ally.terminal.text import clean, one_line
from ally.tui.clean_input import CleanInput
from ally.tui.picker import Picker
from ally.tui.picker_lines import Entry, entries_of, widths_of
from ally.tui.picker_rows import Rows
from ally.tui.themes import choose_theme

if TYPE_CHECKING:
    from ally.app import App

FRAMED_COLUMNS, FRAMED_ROWS, ABOUT_ROWS, TITLE_ROWS = 70, 18, 12, 9
"""From these sizes on there is a frame and room for everything, a description below the list, a title and a hint."""

_HINT = "Enter changes · Ctrl-R default · Esc"
_EDIT_HINT = "Enter keeps it · Ctrl-J new line · Esc"
_RESET = "-"
_VALUE_COLUMNS = 28


class _List(Rows):
    """The settings, which change while they are looked at."""

    def renew(self, entries: Sequence[Entry]) -> None:
        """Show how they are now; the selected one stays so."""
        chosen, query = self.selected, self._query
        self._entries, self._widths, self._query = entries, widths_of(entries), ""
        self.is_numbered = False
        self.filter(query)
        if chosen is not None:
            self.point_at(chosen.option.value)

    def point_at(self, value: str) -> None:
        """Select the option of this value, if it is listed."""
        lines = enumerate(self._listing.lines)
        at = next((at for at, one in lines if isinstance(one, int) and self._entries[one].option.value == value), None)
        if at is not None:
            self._select(at)


class _Editor(TextArea):
    """A value that is being written."""

    class Kept(Message):
        """The value is to be this."""

    def on_key(self, event: events.Key) -> None:
        """Enter keeps the value, with another key it begins a line."""
        if event.key == "enter":
            event.prevent_default()
            event.stop()
            self.post_message(self.Kept())
        elif event.key in ("ctrl+j", "shift+enter", "alt+enter"):
            event.prevent_default()
            event.stop()
            self.insert("\n")


class SettingsScreen(ModalScreen[None]):
    """The settings of `ally`, made from the schema of config.json. What is kept is written at once."""

    DEFAULT_CSS = """
    SettingsScreen { align: center middle; }
    SettingsScreen #box { width: 100%; height: 100%; background: $surface; padding: 0 1; }
    SettingsScreen.-framed #box { width: 90%; max-width: 130; height: 85%; border: round $primary; }
    SettingsScreen #title { height: 1; text-style: bold; }
    SettingsScreen #filter { height: 1; border: none; padding: 0; background: transparent; }
    SettingsScreen #about { height: auto; max-height: 6; border-top: solid $primary; }
    SettingsScreen #asked { height: auto; max-height: 2; text-style: bold; display: none; }
    SettingsScreen #value {
        height: auto; max-height: 6; border: none; padding: 0; background: $panel; display: none;
    }
    SettingsScreen.-editing #asked, SettingsScreen.-editing #value { display: block; }
    SettingsScreen #hint { height: auto; max-height: 4; color: $text-muted; }
    SettingsScreen.-wrong #hint { color: $error; text-style: bold; }
    SettingsScreen.-short #about, SettingsScreen.-short #value { max-height: 3; }
    SettingsScreen.-short #hint, SettingsScreen.-short #asked { max-height: 1; }
    SettingsScreen.-low #about, SettingsScreen.-lowest #title, SettingsScreen.-lowest #hint { display: none; }
    SettingsScreen.-short.-editing #about, SettingsScreen.-short.-editing #title { display: none; }
    SettingsScreen.-low.-editing #filter { display: none; }
    SettingsScreen.-wrong #hint { display: block; max-height: 3; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "leave", "leave", priority=True),
        Binding("up,ctrl+p", "move(-1)", "up"),
        Binding("down,ctrl+n", "move(1)", "down"),
        Binding("pageup", "page(-1)", "page up"),
        Binding("pagedown", "page(1)", "page down"),
        Binding("ctrl+r", "reset", "back to the default", priority=True),
    ]

    def __init__(self, ally: "App") -> None:
        super().__init__()
        self._ally = ally
        self._settings: dict[str, Setting] = {}
        self._edited: Setting | None = None
        self._is_writing = False

    def compose(self) -> ComposeResult:
        """A title, the filter, the list, the description, what is edited, and what can be done."""
        entry = CleanInput(placeholder="type to find a setting", id="filter", select_on_focus=False)
        entry.cursor_blink = False
        with Vertical(id="box"):
            yield Static("Settings", id="title", markup=False)
            yield entry
            yield _List([])
            yield Static(id="about", markup=False)
            yield Static(id="asked", markup=False)
            yield _Editor(id="value", show_line_numbers=False, soft_wrap=True)
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one("#value", _Editor).cursor_blink = False
        self.query_one("#filter", CleanInput).focus()
        self._tell(_HINT)
        self._renew()

    def on_resize(self, event: events.Resize) -> None:
        """Show what there is room for."""
        self.set_class(event.size.width >= FRAMED_COLUMNS and event.size.height >= FRAMED_ROWS, "-framed")
        self.set_class(event.size.height < FRAMED_ROWS, "-short")
        self.set_class(event.size.height < ABOUT_ROWS, "-low")
        self.set_class(event.size.height < TITLE_ROWS, "-lowest")

    @property
    def _program(self) -> Program[Any]:  # Any: whatever that program gives
        return cast("Program[Any]", self.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves its result open

    @property
    def _selected(self) -> Setting | None:
        entry = self.query_one(_List).selected
        return self._settings.get(entry.option.value) if entry else None

    @on(Input.Changed, "#filter")
    def filter(self, event: Input.Changed) -> None:
        """List what fits."""
        self.query_one(_List).filter(event.value)

    @on(Rows.Moved)
    def moved(self) -> None:
        """Describe the selected setting."""
        about = Text(overflow="fold")
        if (now := self._selected) is not None:
            about.append(one_line(now.key), "bold")
            about.append(f" = {one_line(now.shown)}  ({one_line(now.origin)})\n{one_line(now.about)}\n")
            about.append(f"It may be {one_line(now.accepts)}; default: {one_line(now.default)}. {now.effect}")
        self.query_one("#about", Static).update(about)

    @on(Input.Submitted, "#filter")
    @on(Rows.Clicked)
    def begin(self) -> None:
        """Change the selected setting."""
        if (now := self._selected) is None:
            return
        if now.refusal:
            self._tell(now.refusal, is_wrong=True)
        elif now.choices:
            self._choose(now)
        else:
            self._edit(now)

    @on(_Editor.Kept)
    def keep(self) -> None:
        """Write what was typed; an empty text goes back to the default."""
        now, text = self._edited, self.query_one("#value", _Editor).text
        if now is None or self._is_writing:
            return
        if text == clean(now.text):
            self._end_edit(_HINT)
        else:
            self._begin_writing(now, text if text.strip() else None)

    def action_leave(self) -> None:
        """Leave what is edited as it was, else leave the settings."""
        if self._edited is not None:
            self._end_edit("It stays as it was.")
        elif self.query_one("#filter", CleanInput).value:
            self.query_one("#filter", CleanInput).value = ""
        else:
            self.dismiss(None)

    def action_move(self, steps: int) -> None:
        """One setting up or down."""
        self._tell(_HINT)
        self.query_one(_List).move(steps)

    def action_page(self, way: int) -> None:
        """As far as the list is high."""
        self._tell(_HINT)
        rows = self.query_one(_List)
        rows.move(way * max(1, rows.size.height - 1))

    def action_reset(self) -> None:
        """Take the selected setting out of the file that sets it."""
        now = self._edited or self._selected
        if now is not None and not self._is_writing:
            self._begin_writing(now, None)

    def _choose(self, now: Setting) -> None:
        names = [one.strip('"') for one in now.choices]
        options = [
            Option(value, name, is_current=name == now.shown) for value, name in zip(now.choices, names, strict=True)
        ]
        options.append(Option(_RESET, "back to the default", (now.default,)))

        def chosen(value: str | None) -> None:
            if value is not None:
                self._begin_writing(now, None if value == _RESET else value)

        self._program.push_screen(Picker(now.key, options), chosen)

    def _edit(self, now: Setting) -> None:
        self._edited = now
        self.query_one("#asked", Static).update(Text(f"{one_line(now.key)}: {one_line(now.accepts)}"))
        editor = self.query_one("#value", _Editor)
        editor.text = clean(now.text)
        editor.move_cursor(editor.document.end)
        self.add_class("-editing")
        editor.focus()
        self._tell(_EDIT_HINT)

    def _end_edit(self, said: str) -> None:
        self._edited = None
        self.remove_class("-editing")
        self.query_one("#filter", CleanInput).focus()
        self._tell(said)

    def _begin_writing(self, now: Setting, text: str | None) -> None:
        self._is_writing = True
        self.run_worker(self._write(now, text))

    async def _write(self, now: Setting, text: str | None) -> None:
        """Write `text`, or take the setting out for None. What cannot be written stays in the editor."""
        try:
            if text is None:
                done = await asyncio.to_thread(reset, self._ally, now)
            else:
                done = await asyncio.to_thread(change, self._ally, now, text)
        except AllyError as error:
            self._tell(f"{error.message} {error.hint or ''}", is_wrong=True)
            return
        finally:
            self._is_writing = False
        self._end_edit(_outcome(now, done, is_reset=text is None))
        self._renew()
        if done is not None and now.key == "tui.theme" and not self._program.no_color:
            self._program.theme = choose_theme(done.loaded.settings.tui.theme, os.environ)

    def _renew(self) -> None:
        try:
            self._settings = {one.key: one for one in setting_rows(self._ally)}
        except AllyError as error:
            self._tell(f"{error.message} {error.hint or ''}", is_wrong=True)
            return
        options = [
            Option(one.key, one.key, (cut(one_line(one.shown), _VALUE_COLUMNS), one.origin), one.group)
            for one in self._settings.values()
        ]
        self.query_one(_List).renew(entries_of(options))
        self.moved()

    def _tell(self, text: str, *, is_wrong: bool = False) -> None:
        self.set_class(is_wrong, "-wrong")
        self.query_one("#hint", Static).update(Text(("! " if is_wrong else "") + one_line(text)))


def _outcome(now: Setting, done: Change | None, *, is_reset: bool) -> str:
    if done is None:
        return f"No file sets {now.key}."
    above = sorted(done.set_by - {str(file) for file in done.loaded.files} - {str(done.file)})
    wins = f" But {', '.join(above)} is set too, and wins." if above else ""
    below = ", ".join(in_home(origin) for origin in sorted(done.set_by - set(above)))
    if is_reset:
        return (
            f"It is no longer set in {in_home(str(done.file))}" + (f"; {below} sets it now." if below else ".") + wins
        )
    return f"Set in {in_home(str(done.file))}. {now.effect}{wins}"
