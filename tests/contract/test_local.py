"""The embedded engine on the real SmolLM2: facts of the protocol, never cleverness."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator

import jsonschema
import pytest

from ally.config.paths import find_paths
from ally.engine.answer import Answer
from ally.errors import AllyError, ContextTooLong, Unreachable
from ally.messages import JsonObject, ToolSpec, user
from ally.models.catalogue import STARTER
from ally.models.engine import engines, plan
from ally.models.store import resolve
from ally.providers.builtin.local import LocalProvider
from ally.providers.model import Chunk, Done, Model, Request, TextChunk

OPTIONS: JsonObject = {"num_ctx": 4096, "n_threads": 1}
QUESTION = "What is the capital city of France? Answer in one word."
STORY = "Tell me a very long story about a lighthouse keeper."
CITY: JsonObject = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "inhabitants": {"type": "integer"}},
    "required": ["city", "inhabitants"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module", autouse=True)
def _engines_end() -> Iterator[None]:
    yield
    engines.stop_all()


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    model = LocalProvider().create_model(STARTER, 0.0, **OPTIONS)
    yield model
    await model.close()


@pytest.fixture
async def short() -> AsyncIterator[Model]:
    """The same model with answers of at most 40 tokens."""
    model = LocalProvider().create_model(STARTER, 0.0, **OPTIONS, max_tokens=40)
    yield model
    await model.close()


async def collect(model: Model, request: Request) -> list[Chunk]:
    return [chunk async for chunk in model.stream(request)]


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def done_of(chunks: list[Chunk]) -> Done:
    assert isinstance(chunks[-1], Done)
    assert sum(isinstance(chunk, Done) for chunk in chunks) == 1
    return chunks[-1]


async def test_it_answers_in_pieces_with_usage_and_a_stop_reason(model: Model) -> None:
    chunks = await collect(model, Request([user(QUESTION)]))
    assert "paris" in text_of(chunks).lower()
    assert len(chunks) > 4
    done = done_of(chunks)
    assert done.stop_reason == "end"
    assert done.usage is not None
    assert done.usage.input_tokens > 20
    assert 0 < done.usage.output_tokens < 60


async def test_the_window_is_the_one_the_engine_serves(model: Model) -> None:
    assert model.profile.location == "local"
    assert (model.profile.context_window, model.profile.context_window_source) == (4096, "user")
    await collect(model, Request([user("Hi")]))
    assert (model.profile.context_window, model.profile.context_window_source) == (4096, "server")
    assert (model.profile.constrains, model.profile.parameters) == (True, 135_000_000)
    assert 100_000_000 < (engines.memory_bytes(STARTER) or 0) < 1_000_000_000
    assert engines.memory_bytes("another") is None


async def test_the_prompt_is_not_computed_twice(model: Model) -> None:
    request = Request([user(QUESTION)], system="You are a helpful assistant. " * 20)
    await collect(model, request)
    second = done_of(await collect(model, request)).usage
    assert second is not None
    assert second.cached_input_tokens > second.input_tokens // 2


async def test_json_of_a_schema_is_valid(model: Model) -> None:
    chunks = await collect(model, Request([user("Describe Rome: its name and inhabitants.")], json_schema=CITY))
    jsonschema.validate(json.loads(text_of(chunks)), CITY)
    assert done_of(chunks).stop_reason == "end"


async def test_a_cut_answer_says_so() -> None:
    model = LocalProvider().create_model(STARTER, 0.0, **OPTIONS, max_tokens=8)
    try:
        done = done_of(await collect(model, Request([user(STORY)])))
        assert done.stop_reason == "length"
        assert done.usage is not None and done.usage.output_tokens == 8
    finally:
        await model.close()


async def test_any_text_goes_in_and_comes_out_whole(short: Model) -> None:
    odd = "naïve 日本語 🎉👩‍👩‍👧 שלום 𐍈 \u202e <|im_end|> \x07 end"
    chunks = await collect(short, Request([user(f"Repeat: {odd}")], system=odd))
    assert text_of(chunks).encode("utf-8")
    assert done_of(chunks).usage is not None


async def test_tools_keep_to_the_protocol(short: Model) -> None:
    tool = ToolSpec("get_weather", "Tell the weather of a city", CITY)
    answer = Answer()
    async for chunk in short.stream(Request([user("What is the weather in Paris?")], tools=[tool])):
        answer.add(chunk)
    assert answer.done is not None
    assert answer.done.stop_reason in ("end", "tool_calls", "length")
    assert answer.message().parts


async def test_cancelling_frees_the_engine_at_once(model: Model) -> None:
    await collect(model, Request([user(QUESTION)]))

    async def tell() -> None:
        async for _ in model.stream(Request([user(STORY)])):
            started.set()

    started = asyncio.Event()
    task = asyncio.create_task(tell())
    await started.wait()
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 0.3
    await collect(model, Request([user(QUESTION)]))
    assert time.monotonic() - began < 8, "the story went on"


async def test_cancelling_while_the_model_loads() -> None:
    model = LocalProvider().create_model(STARTER, 0.0, num_ctx=1024, n_threads=1)
    task = asyncio.create_task(collect(model, Request([user(QUESTION)])))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 0.3
    assert "paris" in text_of(await collect(model, Request([user(QUESTION)]))).lower()
    await model.close()


async def test_a_conversation_beyond_the_window_is_an_error_with_the_limit(model: Model) -> None:
    with pytest.raises(ContextTooLong) as caught:
        await collect(model, Request([user("word " * 6000)]))
    assert caught.value.limit_tokens in (4096, None)


async def test_an_engine_that_dies_is_named_and_started_again(model: Model) -> None:
    await collect(model, Request([user(QUESTION)]))
    spec = plan(resolve(find_paths(os.environ), STARTER).path, STARTER, OPTIONS)
    engine = engines.acquire(spec)
    engines.release(spec)

    async def tell() -> None:
        async for _ in model.stream(Request([user(STORY)])):
            if engine.alive:
                os.kill(engine.pid, signal.SIGKILL)

    with pytest.raises(AllyError) as caught:
        await tell()
    assert isinstance(caught.value, Unreachable)
    assert caught.value.retryable
    assert "signal 9" in caught.value.message
    assert "paris" in text_of(await collect(model, Request([user(QUESTION)]))).lower()


async def test_nothing_is_printed(model: Model, capfd: pytest.CaptureFixture[str]) -> None:
    fresh = LocalProvider().create_model(STARTER, 0.0, num_ctx=768, n_threads=1)
    await collect(fresh, Request([user(QUESTION)]))
    with pytest.raises(ContextTooLong):
        await collect(fresh, Request([user("word " * 2000)]))
    await fresh.close()
    assert capfd.readouterr() == ("", "")


def test_langchain_reaches_the_same_engine() -> None:
    llm = LocalProvider().create_llm(STARTER, 0.0, **OPTIONS, max_tokens=20)
    assert "paris" in llm.invoke(QUESTION).content.lower()
