import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from ally.errors import (
    BadReply,
    BadRequest,
    ContextTooLong,
    CutStream,
    IdleStream,
    Overloaded,
    RateLimited,
    RefusedKey,
    UnknownModel,
    Unreachable,
)
from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
    user,
)
from ally.providers.langchain import wrap_llm
from ally.providers.model import Done, Request, TextChunk, ThinkingChunk
from tests.fakes import HTML, KEY, Cut, ErrorEvent, Failure, Fake, FakeOpenAI, Hang, Raw, Reply, Usage
from tests.unit.providers.langchain_objects import (
    ASK,
    HI,
    VENDORS,
    WEATHER,
    Plugin,
    Vendor,
    collect,
    fail,
    openai,
    text_of,
)

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)
RAW = [vendor for vendor in VENDORS if vendor.raw_arguments]


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return request.param


@pytest.fixture
def fake(vendor: Vendor) -> Iterator[Fake]:
    with vendor.fake() as server:
        yield server


async def test_text_arrives_in_pieces_and_ends_with_usage(vendor: Vendor, fake: Fake) -> None:
    fake.script(Reply("Grüße, 世界 🌍! How are you?", usage=Usage(12, 7, 4)))
    chunks = await collect(vendor.wrap(fake))
    assert text_of(chunks) == "Grüße, 世界 🌍! How are you?"
    assert len([chunk for chunk in chunks if isinstance(chunk, TextChunk)]) > 1
    assert isinstance(chunks[-1], Done)
    assert chunks[-1].stop_reason == "end"
    if vendor.name != "groq":  # whose own field for usage the fake does not know
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.output_tokens == 7


async def test_what_is_known_before_the_first_call(vendor: Vendor, fake: Fake) -> None:
    profile = vendor.wrap(fake, context_window=1234).profile
    assert (profile.provider, profile.model, profile.road) == ("stranger", fake.models[0], "guide")
    assert (profile.location, profile.tools, profile.streaming) == ("local", True, True)
    assert (profile.context_window, profile.context_window_source) == (1234, "user")


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
async def test_two_calls_in_one_answer(vendor: Vendor, fake: Fake, streaming: bool) -> None:
    calls = [("get_weather", {"city": "Paris"}), ("get_weather", {"city": 'Ulm "x" ü'})]
    fake.script(Reply("Looking.", tool_calls=calls))
    chunks = await collect(vendor.wrap(fake, streaming=streaming), ASK)
    found = [chunk for chunk in chunks if isinstance(chunk, ToolCall)]
    assert [(call.name, call.args) for call in found] == calls
    assert len({call.id for call in found}) == 2
    assert chunks[-1] == Done("tool_calls", chunks[-1].usage)  # type: ignore[union-attr] - Done, as the line says
    assert "Be brief." in json.dumps(fake.calls[0].json)


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
async def test_calls_results_errors_and_pictures_go_back(vendor: Vendor, fake: Fake, streaming: bool) -> None:
    model = vendor.wrap(fake, streaming=streaming)
    fake.script(Reply("Looking.", thinking="Hm.", tool_calls=[("get_weather", {"city": "Paris"})]), Reply("Done."))
    chunks = await collect(model, ASK)
    call = next(chunk for chunk in chunks if isinstance(chunk, ToolCall))
    thoughts = [Thinking(one.text, one.signature) for one in chunks if isinstance(one, ThinkingChunk)]
    signed = [Thinking("".join(one.text for one in thoughts), thoughts[-1].signature)] if thoughts else []
    broken = BadToolCall("call_broken_1", "get_weather", '{"city": "Lon', "cut")
    parts = (Text("Look:"), *([Image(PIXEL, "image/png")] if vendor.name not in ("groq", "cerebras") else []))
    history = [
        UserMessage(parts),
        AssistantMessage((*signed, Text("Looking."), call, broken)),
        ToolMessage(
            (ToolResult(call.id, "sunny", name=call.name), ToolResult(broken.id, "cut", is_error=True, name=call.name))
        ),
        user("And?"),
    ]
    assert text_of(await collect(model, Request(history, system="Be brief.", tools=[WEATHER]))) == "Done."
    sent = json.dumps(fake.calls[-1].json)
    assert "sunny" in sent
    assert "Lon" in sent


async def test_signed_thinking_goes_back_to_anthropic() -> None:
    vendor = next(one for one in VENDORS if one.name == "anthropic")
    with vendor.fake() as fake:
        fake.script(Reply("Yes.", thinking="Hm, let me see."), Reply("Ok."))
        model = vendor.wrap(fake)
        seen = [chunk for chunk in await collect(model) if isinstance(chunk, ThinkingChunk)]
        thought = Thinking("".join(chunk.text for chunk in seen), seen[-1].signature)
        past = AssistantMessage((Thinking("", "cmVk", redacted=True), thought, Text("Yes.")))
        await collect(model, Request([user("a"), past, user("b")]))
        content = fake.calls[-1].json["messages"][1]["content"]
    assert content == [
        {"type": "redacted_thinking", "data": "cmVk"},
        {"type": "thinking", "thinking": "Hm, let me see.", "signature": thought.signature},
        {"type": "text", "text": "Yes."},
    ]


@pytest.mark.parametrize("name", ["groq", "anthropic", "google", "ollama"])
async def test_thinking_is_told_from_the_answer(name: str) -> None:
    vendor = next(one for one in VENDORS if one.name == name)
    with vendor.fake() as fake:
        fake.script(Reply("Answer.", thinking="Because of this."))
        chunks = await collect(vendor.wrap(fake))
    assert "".join(chunk.text for chunk in chunks if isinstance(chunk, ThinkingChunk)) == "Because of this."
    assert text_of(chunks) == "Answer."


async def test_tagged_thinking_is_told_from_the_answer() -> None:
    with FakeOpenAI() as fake:
        fake.reasoning = "think_tags"
        fake.script(Reply("Answer.", thinking="Because of this."))
        chunks = await collect(VENDORS[0].wrap(fake))
    assert "".join(chunk.text for chunk in chunks if isinstance(chunk, ThinkingChunk)).strip() == "Because of this."
    assert text_of(chunks) == "Answer."


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
async def test_structured_output_ends_as_json_text(vendor: Vendor, fake: Fake, streaming: bool) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    chunks = await collect(vendor.wrap(fake, streaming=streaming), Request([user("Who?")], json_schema=schema))
    assert set(json.loads(text_of(chunks))) == {"name", "age"}
    assert isinstance(chunks[-1], Done)
    assert chunks[-1].stop_reason == "end"


@pytest.mark.parametrize("choice", ["required", "get_weather", "none"])
async def test_a_tool_choice_reaches_the_service(vendor: Vendor, fake: Fake, choice: str) -> None:
    fake.script(Reply("Ok."))
    await collect(vendor.wrap(fake), Request([user("hi")], tools=[WEATHER], tool_choice=choice))
    assert "get_weather" in json.dumps(fake.calls[0].json)


@pytest.mark.parametrize(
    "fault", [Cut("text", "clean"), Cut("finish", "clean"), Cut("text"), Cut("text", "reset")], ids=repr
)
async def test_a_cut_text_is_no_answer(vendor: Vendor, fake: Fake, fault: Cut) -> None:
    fake.script(Reply("Hello, this is a long text.", fault=fault))
    chunks, error = await fail(vendor.wrap(fake))
    assert isinstance(error, CutStream)
    assert text_of(chunks).startswith("Hello")
    assert not any(isinstance(chunk, Done) for chunk in chunks)


@pytest.mark.parametrize("vendor", RAW, ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("how", ["clean", "abort"])
async def test_a_stream_cut_inside_arguments_runs_no_tool(vendor: Vendor, how: str) -> None:
    with vendor.fake() as fake:
        fake.script(Reply("Wait.", tool_calls=[("get_weather", {"city": "x" * 60})], fault=Cut("arguments", how)))
        chunks, error = await fail(vendor.wrap(fake), ASK)
    assert isinstance(error, CutStream)
    assert not any(isinstance(chunk, ToolCall | BadToolCall) for chunk in chunks)


@pytest.mark.parametrize("vendor", RAW, ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("raw", ['{"city": "Par', '{"city": "a", "city": "b"}', "[1]", '{"city": NaN}'])
async def test_bad_arguments_of_a_finished_answer_never_run(vendor: Vendor, raw: str) -> None:
    with vendor.fake() as fake:
        fake.script(Reply(tool_calls=[("get_weather", raw), ("get_weather", {"city": "Rom"})]))
        chunks = await collect(vendor.wrap(fake), ASK)
    calls = [chunk for chunk in chunks if isinstance(chunk, ToolCall | BadToolCall)]
    assert isinstance(calls[0], BadToolCall)
    assert calls[0].raw == raw
    assert isinstance(calls[1], ToolCall)


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
async def test_calls_of_an_answer_that_hit_the_limit_never_run(vendor: Vendor, fake: Fake, streaming: bool) -> None:
    fake.script(Reply(tool_calls=[("get_weather", {"city": "Rom"})], stop="length"))
    chunks = await collect(vendor.wrap(fake, streaming=streaming), ASK)
    assert not any(isinstance(chunk, ToolCall) for chunk in chunks)
    assert isinstance(chunks[-1], Done)
    assert chunks[-1].stop_reason == "length"


ERRORS = [
    (Failure("auth"), RefusedKey),
    (Failure("permission"), RefusedKey),
    (Failure("unknown_model"), UnknownModel),
    (Failure("rate_limit", retry_after_s=2), RateLimited),
    (Failure("rate_limit", retry_after_s=3600), RateLimited),
    (Failure("quota"), RateLimited),
    (Failure("overloaded"), Overloaded),
    (Failure("server"), Overloaded),
    (Failure("context"), ContextTooLong),
    (Failure("bad_request"), BadRequest),
]


@pytest.mark.parametrize(("failure", "kind"), ERRORS, ids=lambda value: getattr(value, "kind", ""))
async def test_errors_have_their_type_after_one_attempt(
    vendor: Vendor, fake: Fake, failure: Failure, kind: type[Exception]
) -> None:
    if vendor.name in ("ollama", "anthropic") and failure.kind == "quota":
        failure = Failure("rate_limit")  # ollama has no quota, Anthropic calls it a bad request
    fake.always(failure)
    _, error = await fail(vendor.wrap(fake))
    assert type(error) is kind
    assert KEY not in error.message
    assert len(fake.calls) == 1
    if isinstance(error, RateLimited) and vendor.name != "ollama":  # whose client drops the headers
        assert error.retry_after_s == failure.retry_after_s
    if isinstance(error, ContextTooLong) and vendor.name != "ollama":
        assert error.limit_tokens is not None


async def test_an_error_inside_the_stream(vendor: Vendor, fake: Fake) -> None:
    fake.script(Reply("Hello, this is long.", fault=ErrorEvent("text", "overloaded")))
    chunks, error = await fail(vendor.wrap(fake))
    assert type(error) is Overloaded
    assert text_of(chunks).startswith("Hello")


@pytest.mark.parametrize("page", [HTML, Raw(b"", content_type="text/event-stream"), Raw(b"data: {oops\n\n")])
async def test_a_page_instead_of_an_answer(vendor: Vendor, fake: Fake, page: Raw) -> None:
    fake.script(page)
    _, error = await fail(vendor.wrap(fake))
    assert isinstance(error, BadReply | CutStream)


async def test_nobody_listens(vendor: Vendor) -> None:
    with vendor.fake() as fake:
        model = vendor.wrap(fake)
    _, error = await fail(model)
    assert type(error) is Unreachable


@pytest.mark.parametrize("at", ["headers", "text"])
async def test_silence_ends_after_the_idle_time(vendor: Vendor, fake: Fake, at: str) -> None:
    fake.script(Reply("Hello, this is long.", fault=Hang(at)))  # type: ignore[arg-type] - a literal
    began = time.monotonic()
    _, error = await fail(vendor.wrap(fake, idle_timeout_s=0.5))
    assert isinstance(error, IdleStream)
    assert error.idle_s == 0.5
    assert time.monotonic() - began < 3
    assert fake.calls[0].wait_disconnected(2)


async def test_cancelling_closes_the_connection_at_once(vendor: Vendor, fake: Fake) -> None:
    fake.script(Reply("Hello, this is long.", fault=Hang("text")))
    model = vendor.wrap(fake)
    stream = model.stream(HI)
    await anext(stream)
    began = time.monotonic()
    await stream.aclose()  # type: ignore[attr-defined] - an async generator
    assert time.monotonic() - began < 0.3
    await model.close()
    assert await asyncio.to_thread(fake.calls[0].wait_disconnected, 2)


async def test_a_model_that_takes_no_temperature_is_asked_without() -> None:
    vendor = next(one for one in VENDORS if one.name == "anthropic")
    with vendor.fake() as fake:
        model = vendor.wrap(fake)
        await collect(model)
        await collect(model)
        assert [("temperature" in call.json) for call in fake.requests] == [True, False, False]


async def test_a_server_that_knows_no_stream_options_is_asked_without() -> None:
    with FakeOpenAI() as fake:
        fake.script(Failure("bad_request", "Unknown field: stream_options"), Reply("Hello"), Reply("Again"))
        model = wrap_llm(Plugin(openai(fake)), "gpt-4o", None, KEY, {})
        assert text_of(await collect(model)) == "Hello"
        assert text_of(await collect(model)) == "Again"
        assert [("stream_options" in call.json) for call in fake.calls] == [True, False, False]
        assert fake.calls[-1].json["temperature"] == 0.7
