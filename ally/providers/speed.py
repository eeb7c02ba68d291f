"""How fast a model reads and writes, by requests that no cache has an answer for."""

import math
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

from ally.messages import user
from ally.models.measured import Speed
from ally.providers.model import Chunk, Done, Model, Request, TextChunk, ThinkingChunk, Usage

ANSWER_TOKENS = 64
"""Where the answers of a measurement end; the model is made with it as `max_tokens`."""

_TELLING_TOKENS = 8
_TELLING_S = 0.001
_TRUSTED = 1.2
_WORDS = (
    "river stone light paper green table house winter music garden bridge silver morning window letter ocean market "
    "forest yellow summer engine circle valley candle simple corner island travel branch purple kitchen number"
)
_TASK = "Count from 1 to 200, one number on each line. Write nothing else."


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: its speed, how long it took, and how long the server worked on it, None if it does not say."""

    speed: Speed
    wall_s: float
    work_s: float | None


async def measure(model: Model, prompt_tokens: int) -> Sample:
    """Ask `model` something of about `prompt_tokens` tokens that it was never asked before.

    Raises:
        ProviderError: it does not answer.
    """
    begun = time.monotonic()
    first = last = 0.0
    usage: Usage | None = None
    request = Request([user(_prompt(prompt_tokens))], purpose="bench")
    async with aclosing(cast("AsyncGenerator[Chunk, None]", model.stream(request))) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, TextChunk | ThinkingChunk):
                last = time.monotonic()
                first = first or last
            elif isinstance(chunk, Done):
                usage = chunk.usage
    wall = time.monotonic() - begun
    read = (first or begun + wall) - begun
    usage = usage or Usage()
    prefill, generation = _true(usage.prefill_s, wall), _true(usage.generation_s, wall)
    fresh = usage.input_tokens - usage.cached_input_tokens
    if prefill and generation:
        reads, writes = _per_second(fresh, prefill), _per_second(usage.output_tokens, generation)
        return Sample(Speed(usage.input_tokens, reads, writes, "server"), wall, prefill + generation)
    # The first token comes at the end of reading.
    reads, writes = _per_second(fresh, read), _per_second(usage.output_tokens - 1, last - first)
    return Sample(Speed(usage.input_tokens, reads, writes, "clock"), wall, None)


def _true(seconds: float | None, wall_s: float) -> float | None:
    """A time that a server reports, None if it cannot be true."""
    is_usable = seconds is not None and math.isfinite(seconds) and _TELLING_S < seconds < wall_s * _TRUSTED
    return seconds if is_usable else None


def _per_second(tokens: int, seconds: float) -> float | None:
    if seconds < _TELLING_S or tokens < _TELLING_TOKENS:
        return None
    return round(tokens / seconds, 1)


def _prompt(tokens: int) -> str:
    """Common words, about one token each, that begin differently every time, and a task that tiny models go on with."""
    dice, known = random.SystemRandom(), _WORDS.split()
    words = [dice.choice(known) for _ in range(tokens)]
    return f"{dice.randrange(10**9)} {' '.join(words)}\n\n{_TASK}"
