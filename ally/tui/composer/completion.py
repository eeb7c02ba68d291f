"""Completing `/commands`, what goes with them, and `@files` while they are typed."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.timer import Timer
from textual.worker import Worker

from ally.tui.composer.area import Area
from ally.tui.composer.popup import Popup, Row

if TYPE_CHECKING:
    from ally.chat.mentions import Files

_FILE = re.compile(r'(?<!\S)@(?:"([^"\n]*)|([^\s"]*))$')
_COMMAND = re.compile(r"/(\S*)$")
_VALUE = re.compile(r"/[^\s/]+ ")
_ASK_AGAIN_S = 0.15
_ASK_AGAIN = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is being typed: its kind, the column where it begins, and what stands there so far."""

    kind: Literal["command", "value", "file"]
    start: int
    query: str


def wanted(before: str, row: int) -> Wanted | None:
    """What would be completed where `before` stands before the cursor in line `row`."""
    if row == 0 and (found := _COMMAND.match(before)) and "/" not in found[1]:
        return Wanted("command", 0, found[1])
    if found := _FILE.search(before):
        return Wanted("file", found.start(), found[1] if found[1] is not None else found[2])
    if row == 0 and _VALUE.match(before):
        return Wanted("value", 0, before)
    return None


def fitting(commands: Sequence[tuple[str, str]], query: str) -> list[Row]:
    """The commands that fit, best first; their order where nothing is typed yet."""
    from ally.chat.fuzzy import folded, places, score, words_of  # heavy

    words = words_of(query)
    found: list[tuple[int, Row]] = []
    for usage, about in commands:
        name = folded(usage.split(maxsplit=1)[0].removeprefix("/"))
        if (rank := score(words, name)) is not None:
            hits = tuple(place + 1 for place in places(words, name))
            found.append((-rank, Row(usage.split(maxsplit=1)[0], usage, hits, about)))
    return [row for _, row in sorted(found, key=lambda one: one[0])]


class Completion:
    """Shows what fits to what is typed in `area`, and puts it there when it is taken."""

    def __init__(self, area: Area, popup: Popup) -> None:
        self._area, self._popup = area, popup
        self.commands: Sequence[tuple[str, str]] = ()
        self.complete: Callable[[str], Sequence[str]] = lambda text: ()
        self._has_chosen = False
        self._again: Timer | None = None
        self._root: Path | None = None
        self._files: Files | None = None
        self._shown: Wanted | None = None
        self._given_up: tuple[int, int] | None = None
        self._search: Worker[None] | None = None
        self._refresh: Worker[None] | None = None

    @property
    def root(self) -> Path | None:
        """The folder whose files are offered."""
        return self._root

    @root.setter
    def root(self, root: Path | None) -> None:
        if root != self._root:
            self._root, self._files = root, None

    def update(self, *, may_open: bool) -> None:
        """Look at what stands before the cursor now; a list that is not open opens only if it `may_open`."""
        area = self._area
        row, column = area.cursor_location
        now = wanted(area.document[row][:column], row) if area.selection.is_empty and area.has_focus else None
        if now is None or (row, now.start) != self._given_up:
            self._given_up = None
        if now is not None and now == self._shown:
            return
        is_same_word = now is not None and self._shown is not None and now.start == self._shown.start
        self._shown = now if may_open or is_same_word else None
        self._has_chosen = False
        if now is None or self._shown is None or self._given_up is not None:
            self._hint()
        elif now.kind == "command":
            self._popup.show_rows(fitting(self.commands, now.query))
        elif now.kind == "value":
            self._show_values(now, _ASK_AGAIN)
        else:
            self._find(now)

    def take_key(self, key: str) -> bool:
        """Choose, take or give up, while something is shown."""
        if not self._popup.is_open:
            return False
        if key in ("up", "ctrl+p", "down", "ctrl+n"):
            self._popup.move(-1 if key in ("up", "ctrl+p") else 1)
            self._has_chosen = True
        elif key == "escape":
            self._give_up()
        elif key == "tab":
            self._take(is_last=False)
        elif key == "enter" and not self._is_complete():
            self._take(is_last=True)
        else:
            return False
        return True

    # Commands

    def _is_complete(self) -> bool:
        """Whether the command that is typed is one: then Enter sends it."""
        shown, row = self._shown, self._popup.row
        if shown is not None and shown.kind == "value":  # what goes with a command is only offered
            return not self._has_chosen
        return (
            shown is not None
            and shown.kind == "command"
            and row is not None
            and any(usage.split(maxsplit=1)[0] == f"/{shown.query}" for usage, _ in self.commands)
        )

    def _hint(self) -> None:
        """What goes behind the command that is typed, as long as it is one line."""
        area = self._area
        name = area.document[0].split(" ", 1)[0]
        found = None
        if area.has_focus and area.document.line_count == 1 and area.document[0].startswith("/"):
            found = next(((usage, about) for usage, about in self.commands if usage.split(maxsplit=1)[0] == name), None)
        if found and " " in found[0] and self._given_up is None:
            self._popup.show_rows([Row("", found[0], (), found[1])], can_take=False)
        else:
            self._popup.hide()

    def _show_values(self, now: Wanted, tries: int) -> None:
        """What may stand there; what has to be looked for is asked for again in a moment."""
        if self._again is not None:
            self._again.stop()
        if self._shown != now or self._given_up is not None:
            return
        name = now.query.partition(" ")[0]
        values = [text for text in self.complete(now.query) if text != now.query]
        if values:
            told = next(
                (f"{usage}  {about}" for usage, about in self.commands if usage.split(maxsplit=1)[0] == name), ""
            )
            self._popup.show_rows([Row(text, text[len(name) + 1 :]) for text in values], title=told)
            return
        self._hint()
        if tries:
            self._again = self._area.set_timer(_ASK_AGAIN_S, partial(self._show_values, now, tries - 1))

    # Files

    def _find(self, now: Wanted) -> None:
        if self._search is not None:
            self._search.cancel()
        self._search = self._area.run_worker(partial(self._show_files, now), group="files")

    async def _show_files(self, now: Wanted) -> None:
        from ally.chat.mentions import Files  # heavy

        if self._root is None:
            return
        if self._files is None:
            self._files = Files(self._root, Path.home())
        files = self._files
        if files.is_stale and (self._refresh is None or self._refresh.is_finished):
            self._refresh = self._area.run_worker(partial(self._look_again, files), group="index")
        found = await asyncio.to_thread(files.find, now.query, 50, lambda: self._shown != now)
        if self._shown == now and self._given_up is None:
            rows = [Row(one.path, one.path, one.hits) for one in found]
            is_first = not rows and self._refresh is not None and not self._refresh.is_finished
            self._popup.show_rows(rows, title="looking for files …" if is_first else "")

    async def _look_again(self, files: "Files") -> None:
        await asyncio.to_thread(files.refresh)
        if self._shown is not None and self._shown.kind == "file" and not self._popup.is_open:
            self._find(self._shown)

    # Taking and giving up

    def _take(self, *, is_last: bool) -> None:
        row, shown = self._popup.row, self._shown
        if row is None or shown is None:
            return
        line, column = self._area.cursor_location
        text = row.value
        if shown.kind != "value":
            text = f"{text} " if shown.kind == "command" else _written(text, is_last=is_last)
        if not text:
            return
        self._area.replace(text, (line, shown.start), (line, column), maintain_selection_offset=False)
        self._popup.hide()

    def _give_up(self) -> None:
        if self._shown is not None:
            self._given_up = (self._area.cursor_location[0], self._shown.start)
        self._popup.hide()


def _written(path: str, *, is_last: bool) -> str:
    """What stands in the text for `path`; one goes on into a folder unless it `is_last`."""
    from ally.chat.mentions import written  # heavy

    text = written(path)
    if path.endswith("/") and not is_last:
        return text.removesuffix('"')
    return f"{text} " if text else ""
