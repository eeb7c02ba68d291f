"""Keeps what is written: the draft while it is written, the history when it is sent."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.widget import Widget

from ally.errors import AllyError
from ally.tui.composer.blocks import plain
from ally.tui.composer.written import Page, Written

if TYPE_CHECKING:
    from ally.chat.drafts import Draft, Drafts
    from ally.chat.history import History

PAUSE_S = 0.7
"""The draft is written at most so often, and so long after a change."""


class Keeping:
    """The files behind a composer. Nothing is kept before `begin`; what cannot be written is told once."""

    history: "History | None" = None

    def __init__(self, owner: Widget, page: Page, written: Callable[[], Written]) -> None:
        self._owner, self._page, self._written = owner, page, written
        self._drafts: Drafts | None = None
        self._saving = asyncio.Lock()
        self._is_secret: Callable[[str], bool] = lambda text: False
        self._folder = Path()
        self._is_due = self._has_told = False

    def begin(self, state: Path, folder: Path, is_secret: Callable[[str], bool]) -> None:
        """Open both; the draft that was left comes back if nothing is written yet."""
        from ally.chat.history import FILE, History  # heavy

        self._folder, self._is_secret = folder, is_secret
        self.history = History(state / FILE, is_secret)
        self._owner.run_worker(partial(self._claim, state, folder), group="drafts")

    def sent(self, text: str) -> None:
        """Put `text` into the history; its draft goes."""
        if self.history is not None:
            self._owner.run_worker(partial(self._add, text), group="history")
        self.changed()

    def changed(self) -> None:
        """The text changed: keep it soon."""
        if self._drafts is not None and not self._is_due:
            self._is_due = True
            self._owner.set_timer(PAUSE_S, self._save_soon)

    def end(self) -> None:
        """Keep it now, and leave it to the next chat in the folder."""
        drafts, self._drafts = self._drafts, None
        if drafts is not None:
            self._try(lambda: drafts.close(self._draft()))

    async def _claim(self, state: Path, folder: Path) -> None:
        from ally.chat.drafts import Drafts  # heavy

        drafts = await asyncio.to_thread(Drafts.claim, state, folder)
        if drafts is None:
            return
        draft = await asyncio.to_thread(drafts.load)
        if not self._owner.is_running:
            drafts.close()
            return
        if draft is not None and not self._page.text:
            meant = {plain(mark): plain(text) for mark, text in draft.meant.items()}
            self._page.written = Written(plain(draft.text), meant)
        self._drafts = drafts
        self.changed()

    def _save_soon(self) -> None:
        self._is_due = False
        self._owner.run_worker(self._save, group="drafts")

    async def _save(self) -> None:
        async with self._saving:
            if (drafts := self._drafts) is not None:
                draft = self._draft()
                await asyncio.to_thread(self._try, lambda: drafts.save(draft))

    def _draft(self) -> "Draft":
        from ally.chat.drafts import Draft  # heavy

        written = self._written()
        text = (
            "" if self._is_secret(written.text) or any(map(self._is_secret, written.meant.values())) else written.text
        )
        return Draft(text, dict(written.meant) if text else {})

    async def _add(self, text: str) -> None:
        async with self._saving:
            if (history := self.history) is not None:
                await asyncio.to_thread(self._try, lambda: history.add(text, self._folder))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except AllyError as error:
            if not self._has_told:
                self._has_told = True
                self._owner.call_later(self._tell, error.message)

    def _tell(self, text: str) -> None:
        self._owner.notify(text, severity="warning", markup=False)
