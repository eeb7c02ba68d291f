"""What every parser of an answer does the same way."""

from typing import Protocol

from ally.providers.model import Chunk, Done, Request, StopReason, TextChunk, ThinkingChunk, Usage
from ally.providers.thinking import ThinkSplitter
from ally.providers.wire.calls import CallIds, PendingCall, finish_calls
from ally.providers.wire.faults import Faults

_CUT_REASONS = ("length", "refused")


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

    def text(self, text: str) -> list[Chunk]:
        """Text of the answer, with `<think>` blocks taken out."""
        self.said_anything = True
        return [*self._splitter.feed(clean(text))]

    def plain_text(self, text: str) -> list[Chunk]:
        """Text of a service that marks its thinking itself."""
        self.said_anything = True
        return [TextChunk(clean(text))]

    def thinking(self, text: str) -> list[Chunk]:
        """Thinking that the service marks as such."""
        self.said_anything = True
        return [ThinkingChunk(clean(text))]

    def end(self) -> list[Chunk]:
        """The rest of the text, the calls, and `Done`."""
        if self.reason is None:
            raise self._faults.cut()
        chunks: list[Chunk] = [*self._splitter.finish()]
        chunks += finish_calls(self.calls, self._ids, cut=self.reason in _CUT_REASONS)
        reason: StopReason = "tool_calls" if self.calls and self.reason == "end" else self.reason
        return [*chunks, Done(reason, self.usage)]


def clean(text: str) -> str:
    """`text` without halves of surrogate pairs, which no file or terminal can hold."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
