"""What every parser of an answer does the same way."""

from typing import Protocol

from ally.egress.failures.faults import Faults
from ally.providers.model import Chunk, Done, Request, StopReason, TextChunk, ThinkingChunk, Usage
from ally.providers.text import encodable
from ally.providers.thinking import ThinkSplitter
from ally.providers.wire.calls import CallIds, PendingCall, find_ambiguity, finish_calls, pending_of_value

_CUT_REASONS = ("length", "refused")
_MOST_CALLS = 1000


class Parser(Protocol):
    """Turns the events of one answer into chunks. It knows no connection."""

    @property
    def is_over(self) -> bool:
        """Whether the service said that nothing more comes."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether the finish mark of the service came; what may follow are details."""
        ...

    def feed(self, event: str, data: str) -> list[Chunk]:
        """The chunks that are certain after one more event; `event` is its SSE name.

        Raises:
            ProviderError: the event is an error of the service, or not of its format.
        """
        ...

    def whole(self, data: str) -> list[Chunk]:
        """The same for an answer that came as one JSON document."""
        ...

    def end(self) -> list[Chunk]:
        """The last chunks, `Done` included, when nothing more comes.

        Raises:
            CutStream: the finish mark of the service is missing.
        """
        ...


class Answer:
    """The state of an answer: its text split from tagged thinking, its pending calls, how it ended."""

    def __init__(self, request: Request, faults: Faults) -> None:
        self._faults = faults
        self._splitter = ThinkSplitter()
        self._ids = CallIds(request.messages)
        self.calls: list[PendingCall] = []
        self.usage: Usage | None = None
        self.reason: StopReason | None = None
        self.said_anything = False
        self._event, self._ambiguity = "", ""

    def text(self, text: str) -> list[Chunk]:
        """Text of the answer, with `<think>` blocks taken out."""
        self.said_anything = True
        return [*self._splitter.feed(encodable(text))]

    def plain_text(self, text: str) -> list[Chunk]:
        """Text of a service that marks its thinking itself."""
        self.said_anything = True
        return [TextChunk(encodable(text))]

    def thinking(self, text: str) -> list[Chunk]:
        """Thinking that the service marks as such."""
        self.said_anything = True
        return [ThinkingChunk(encodable(text))]

    def admit_call(self, count: int) -> None:
        """Refuse the next call after `count` of them, if no model would mean it.

        Raises:
            BadReply: it is one too many.
        """
        if count >= _MOST_CALLS:
            raise self._faults.bad_reply(f"asked for more than {_MOST_CALLS} tools at once", hint="try again")

    def add_value_call(self, name: object, args: object, event: str) -> PendingCall:
        """Add a call that came as JSON values inside `event`.

        Raises:
            BadReply: it is one too many.
        """
        self.admit_call(len(self.calls))
        if event is not self._event:  # with many calls in one event, reading it for each would take for ever
            self._event, self._ambiguity = event, find_ambiguity(event)
        pending = pending_of_value(name, args, self._ambiguity)
        self.calls.append(pending)
        return pending

    def end(self) -> list[Chunk]:
        """The rest of the text, the calls, and `Done`."""
        if self.reason is None:
            raise self._faults.cut()
        chunks: list[Chunk] = [*self._splitter.finish()]
        chunks += finish_calls(self.calls, self._ids, cut=self.reason in _CUT_REASONS)
        reason: StopReason = "tool_calls" if self.calls and self.reason == "end" else self.reason
        return [*chunks, Done(reason, self.usage)]
