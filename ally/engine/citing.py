"""Answers whose citations are looked up while they come."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ally.engine.conversation import Conversation
from ally.events import Cited, Event, MessageFinished, Notice, TextDelta, TurnFinished
from ally.messages import AssistantMessage, Citation, Source

if TYPE_CHECKING:
    from ally.rag.citing.markers import Claim
    from ally.rag.citing.scanning import Scanner

LONGEST_CHECK_S = 20.0
"""A file that is not read by then counts as one that cannot be."""
LAST_CHECK_S = 2.0
"""The same where the user has stopped the answer."""


@dataclass(slots=True)
class Citing:
    """The answers of one turn on their way to the user.

    While the conversation has no sources, text passes as it is. `given` are the passages that went along with the
    questions of the turn, where answers come from collections.
    """

    talk: Conversation
    given: list[Source] = field(default_factory=list[Source])
    _cites: bool = False
    _scanner: "Scanner | None" = None
    _waiting: "deque[str | Claim]" = field(default_factory=deque["str | Claim"])
    _shown: list[str] = field(default_factory=list[str])
    _citations: list[Citation] = field(default_factory=list[Citation])
    _unlisted: list[Citation] = field(default_factory=list[Citation])

    def begin(self) -> None:
        """Another answer begins; an answer that has to have a form is not looked at."""
        self._scanner = None
        self._shown, self._citations = [], []
        self._waiting.clear()
        if self.talk.librarian is not None and len(self.talk.sources) and self.talk.json_schema is None:
            from ally.rag.citing.scanning import Scanner  # late: most conversations have no sources

            self._scanner = Scanner(self.talk.sources)

    async def add(self, text: str) -> list[Event]:
        """What can be shown now that `text` has come.

        Raises:
            Interrupted, TimeUp: the turn has to end; `stop` gives what is left.
        """
        if self._scanner is None:
            return [TextDelta(text)]
        self._waiting += self._scanner.feed(text)
        return await self._show()

    async def flush(self) -> list[Event]:
        """What was held back: something that is no text comes.

        Raises:
            Interrupted, TimeUp: as for `add`.
        """
        if self._scanner is None:
            return []
        self._waiting += self._scanner.finish()
        return await self._show()

    async def stop(self) -> list[Event]:
        """All that is left of an answer that was ended, and what is told at the end of one."""
        if self._scanner is None:
            return []
        self._waiting += self._scanner.finish()
        events: list[Event] = []
        while self._waiting:
            events += await self._look_up(self._waiting[0], LAST_CHECK_S)
            self._waiting.popleft()
        return [*events, *self._listing(), *self._notices()]

    def close(self, message: AssistantMessage, *, is_last: bool) -> list[Event]:
        """Put a whole answer into the history; what is cited is listed at the end of the last one."""
        listing = self._listing() if is_last else []
        sealed = self.seal(message)
        self.talk.answer(sealed)
        return [*listing, MessageFinished(sealed), *(self._notices() if is_last else [])]

    def end(self, final: Event) -> list[Event]:
        """What is left to tell of a turn that ends with `final`: places that no answer lists any more, or that none of
        those that were given is cited."""
        if self._scanner is None or (librarian := self.talk.librarian) is None:
            return []
        from ally.rag.citing.listing import so_far, uncited  # late: as above

        if found := so_far(self._unlisted, librarian.naming):
            return [Notice(found), *self._notices()]
        is_answered = isinstance(final, TurnFinished) and final.stop_reason in ("end", "length", "stop_sequence")
        if is_answered and self.given and not self._cites and "".join(self._shown).strip():
            return [Notice(uncited(self.given, librarian.naming))]
        return self._notices()

    def seal(self, message: AssistantMessage) -> AssistantMessage:
        """`message` with what the user saw of it."""
        shown = "".join(self._shown)
        return replace(message, shown="" if shown == message.text else shown, citations=tuple(self._citations))

    def _listing(self) -> list[Event]:
        """Where everything stands that was cited since the list before."""
        librarian = self.talk.librarian
        if self._scanner is None or librarian is None or not self._unlisted:
            return []
        from ally.rag.citing.listing import listed  # late: as above

        text = listed(self._unlisted, librarian.naming)
        if not text:
            return []
        shown = "".join(self._shown)
        ended = len(shown) - len(shown.rstrip("\n"))
        self._shown.append("\n" * max(0, 2 - ended) + text)
        return [TextDelta(self._shown[-1])]

    def _notices(self) -> list[Event]:
        struck = sum(not citation.is_found for citation in self._unlisted)
        self._unlisted = []
        if not struck:
            return []
        from ally.rag.citing.listing import struck_notice  # late: as above

        return [Notice(struck_notice(struck))]

    async def _show(self) -> list[Event]:
        events: list[Event] = []
        while self._waiting:
            piece = self._waiting[0]
            if isinstance(piece, str):
                events += self._kept(piece, ())
            else:
                events += await self.talk.interrupt.wait_for(self._look_up(piece, LONGEST_CHECK_S))
            self._waiting.popleft()
        return events

    async def _look_up(self, piece: "str | Claim", limit_s: float) -> list[Event]:
        """A piece as it is shown; files are read in a thread."""
        if isinstance(piece, str) or (librarian := self.talk.librarian) is None:
            return self._kept(piece if isinstance(piece, str) else piece.raw, ())
        from ally.rag.citing.checking import Checker, given_up  # late: as above

        checker = Checker(self.talk.sources, librarian.texts)
        try:
            checked = await asyncio.wait_for(asyncio.to_thread(checker.check, piece), limit_s)
        except TimeoutError:
            checked = given_up(piece)
        return self._kept(checked.shown, checked.citations)

    def _kept(self, text: str, citations: Sequence[Citation]) -> list[Event]:
        self._citations += citations
        self._unlisted += citations
        self._cites = self._cites or bool(citations)
        self._shown.append(text)
        return [*map(Cited, citations), TextDelta(text)]
