"""How fast a model is: by the server's own times where they can be true, else by the clock."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ally.models.measured import Speed
from ally.providers.model import Chunk, Done, Profile, Request, TextChunk, ThinkingChunk, Usage
from ally.providers.speed import measure


class Timed:
    """A model that says `pieces` and then reports `usage`."""

    profile = Profile("scripted", "timed")

    def __init__(self, usage: Usage | None, pieces: int = 12) -> None:
        self._usage, self._pieces = usage, pieces
        self.prompts: list[str] = []

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        self.prompts.append(str(request.messages[0]))
        for number in range(self._pieces):
            yield ThinkingChunk("hm ") if number % 2 else TextChunk(f"{number}\n")
        yield Done("length", self._usage)

    async def close(self) -> None:
        return


def usage(prefill_s: float | None, generation_s: float | None, cached: int = 0) -> Usage:
    return Usage(500, 60, cached, reports_cache=True, prefill_s=prefill_s, generation_s=generation_s)


async def speed(model: Timed) -> Speed:
    return (await measure(model, 500)).speed


@pytest.mark.parametrize(
    ("prefill_s", "generation_s"),
    [(None, None), (100.0, 100.0), (-1.0, 2.0), (0.0, 0.0), (float("nan"), 1e-9), (float("inf"), 1.0)],
)
async def test_times_that_cannot_be_true_are_not_believed(prefill_s: float | None, generation_s: float | None) -> None:
    found = await speed(Timed(usage(prefill_s, generation_s)))
    assert (found.prompt_tokens, found.by) == (500, "clock")


async def test_a_server_without_counts_says_nothing() -> None:
    assert await speed(Timed(None)) == Speed(0, None, None, "clock")
    assert await speed(Timed(Usage(), pieces=0)) == Speed(0, None, None, "clock")


async def test_no_prompt_is_asked_twice_or_begins_like_another() -> None:
    model = Timed(None)
    for _ in range(5):
        await measure(model, 50)
    assert len({prompt[:60] for prompt in model.prompts}) == 5


async def test_a_short_answer_tells_no_speed() -> None:
    assert (await speed(Timed(Usage(500, 3)))).generation_per_s is None


class Patient(Timed):
    """A server whose times are those that the clock shows."""

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        self._usage = usage(0.012, 0.006, cached=380)
        await asyncio.sleep(0.02)
        async for chunk in super().stream(request):
            yield chunk


async def test_what_came_from_a_cache_was_not_read() -> None:
    assert await speed(Patient(None)) == Speed(500, 10_000.0, 10_000.0, "server")
