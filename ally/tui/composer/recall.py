"""What was written before: walked with Up and Down, searched with Ctrl-R."""

from typing import TYPE_CHECKING

from ally.terminal.text import clean
from ally.tui.composer.popup import Popup, Row
from ally.tui.composer.written import Page, Written

if TYPE_CHECKING:
    from ally.chat.history import History

_MAX_FOUND = 100
_SEEN = 40
"""A word that is searched for stands among the first so many characters that are shown."""


class Walk:
    """Goes through the texts of `history`, newest first, and comes back to what was being written."""

    history: "History | None" = None

    def __init__(self, page: Page) -> None:
        self._page = page
        self._texts: list[str] = []
        self._at: int | None = None
        self._shown = ""
        self._begun = Written("")

    def older(self) -> bool:
        """Show the text before; False if there is none."""
        if self.history is None:
            return False
        at = self._at
        if at is None or self._page.text != self._shown:
            self._texts, self._begun = self.history.entries(), self._page.written
            at = len(self._texts)
            if self._texts[-1:] == [self._page.text]:
                at -= 1
        if at == 0:
            return False
        self._show(at - 1, at_end=False)
        return True

    def newer(self) -> bool:
        """Show the text after, at last the one that was being written; False if none was walked to."""
        if self._at is None or self._page.text != self._shown:
            return False
        if self._at + 1 < len(self._texts):
            self._show(self._at + 1, at_end=True)
        else:
            self._at = None
            self._page.written = self._begun
        return True

    def _show(self, at: int, *, at_end: bool) -> None:
        self._page.show(self._texts[at], at_end=at_end)
        self._at, self._shown = at, self._page.text

    def forget(self) -> None:
        """Begin with the newest the next time."""
        self._at = None


class Search:
    """Finds texts while their words are typed; the composer's own text waits meanwhile."""

    def __init__(self, page: Page, popup: Popup) -> None:
        self._page, self._popup = page, popup
        self._waiting: Written | None = None
        self._texts: list[tuple[str, str]] = []
        self._shown: str | None = None

    @property
    def waiting(self) -> Written | None:
        """What was being written before; None if nothing is searched."""
        return self._waiting

    def begin(self, history: "History") -> None:
        """Search `history`; at first all of it is shown."""
        texts = dict.fromkeys(reversed(history.entries()))
        self._texts = [(text, text.casefold()) for text in texts]
        self._waiting, self._shown = self._page.written, None
        self._page.written = Written("")
        self.update()

    def update(self) -> None:
        """Show what fits to what is typed."""
        if self._page.text == self._shown:
            return
        self._shown = self._page.text
        words = self._shown.casefold().split()
        found = [text for text, folded in self._texts if all(word in folded for word in words)][:_MAX_FOUND]
        title = f"history: {len(found)}{'+' if len(found) == _MAX_FOUND else ''} · Enter takes, Esc gives up"
        self._popup.show_rows([_row(text, words) for text in found], title=title)

    def take_key(self, key: str) -> bool:
        """Every key that is not for editing one line."""
        if key in ("up", "ctrl+p", "ctrl+s"):
            self._popup.move(-1)
        elif key in ("down", "ctrl+n", "ctrl+r"):
            self._popup.move(1)
        elif key in ("enter", "tab"):
            self._end(self._popup.row)
        elif key in ("escape", "ctrl+c", "ctrl+g"):
            self._end(None)
        else:
            return key in ("ctrl+j", "shift+enter", "alt+enter", "ctrl+enter", "ctrl+v", "ctrl+o", "shift+tab")
        return True

    def _end(self, row: Row | None) -> None:
        before, self._waiting = self._waiting, None
        self._popup.hide()
        if row is not None:
            self._page.show(row.value, at_end=True)
        elif before is not None:
            self._page.written = before


def _row(text: str, words: list[str]) -> Row:
    """The text as one line, from a little before the first word on."""
    line = " ".join(clean(text[:4_000]).split())
    folded = line.casefold()
    places = [at for word in words if (at := folded.find(word)) >= 0] if len(folded) == len(line) else []
    first = max(0, min(places, default=0) - _SEEN)
    label = f"…{line[first:]}" if first else line
    shift = 1 - first if first else 0
    hits = [
        at + shift + offset
        for word in words
        if len(folded) == len(line) and (at := folded.find(word)) >= 0
        for offset in range(len(word))
    ]
    return Row(text, label, tuple(hits))
