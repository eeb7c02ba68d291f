"""One answer of a model, taken whole and held against the contract of the port."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ally.errors import BadReply, ProviderError, RateLimited
from ally.messages import AssistantMessage, BadToolCall, Text, Thinking, ToolCall
from ally.providers.model import Chunk, Done, Model, Request, TextChunk, ThinkingChunk

ATTEMPTS = 3
LONGEST_WAIT_S = 20.0
THINKING_SHARE = 6


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `first_s` is the time to the first chunk, `chunks` has `done` no more."""

    chunks: Sequence[Chunk]
    done: Done
    first_s: float

    @property
    def text(self) -> str:
        """The answer without thinking and calls."""
        return "".join(chunk.text for chunk in self.chunks if isinstance(chunk, TextChunk))

    @property
    def pieces(self) -> int:
        """In how many pieces text and thinking came."""
        return sum(isinstance(chunk, TextChunk | ThinkingChunk) and bool(chunk.text) for chunk in self.chunks)

    @property
    def calls(self) -> list[ToolCall]:
        """The calls that may run."""
        return [chunk for chunk in self.chunks if isinstance(chunk, ToolCall)]

    @property
    def bad_calls(self) -> list[BadToolCall]:
        """The calls that must not run."""
        return [chunk for chunk in self.chunks if isinstance(chunk, BadToolCall)]

    @property
    def message(self) -> AssistantMessage:
        """The answer as it goes back to the service in the next request."""
        thoughts = [chunk for chunk in self.chunks if isinstance(chunk, ThinkingChunk)]
        parts: list[Text | Thinking | ToolCall | BadToolCall] = []
        if thoughts:
            text = "".join(thought.text for thought in thoughts)
            parts.append(Thinking(text, thoughts[-1].signature, thoughts[-1].redacted))
        if self.text:
            parts.append(Text(self.text))
        return AssistantMessage((*parts, *self.calls))


async def ask(model: Model, request: Request, *, most_chars: int | None = None) -> Answer:
    """The answer to `request`; a service that is busy is asked again, twice at most.

    After `most_chars` characters of text, or six times as many of thinking, it is left as if it had hit a limit.

    Raises:
        ProviderError: the service failed, or the stream breaks the contract (`BadReply`).
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _once(model, request, most_chars)
        except ProviderError as error:
            wait_s = error.retry_after_s if isinstance(error, RateLimited) else float(attempt)
            if not error.retryable or attempt == ATTEMPTS or wait_s is None or wait_s > LONGEST_WAIT_S:
                raise
        await asyncio.sleep(wait_s)
    raise AssertionError("the last attempt returns or raises")


async def _once(model: Model, request: Request, most_chars: int | None) -> Answer:
    began = time.perf_counter()
    chunks: list[Chunk] = []
    first_s, size = 0.0, 0
    stream: Any = model.stream(request)  # Any: an async generator has aclose, the port promises only iteration
    async with aclosing(stream):
        async for chunk in stream:
            first_s = first_s or time.perf_counter() - began
            chunks.append(chunk)
            size += THINKING_SHARE * len(chunk.text) if isinstance(chunk, TextChunk) else 0
            size += len(chunk.text) if isinstance(chunk, ThinkingChunk) else 0
            if most_chars is not None and size > THINKING_SHARE * most_chars:
                return Answer(chunks, Done("length"), first_s)
    ends = [position for position, chunk in enumerate(chunks) if isinstance(chunk, Done)]
    last = chunks[-1] if chunks else None
    if len(ends) != 1 or not isinstance(last, Done):
        raise BadReply(f"the stream must end with exactly one Done, but had {len(ends)} in {len(chunks)} chunks")
    return Answer(chunks[:-1], last, first_s)
