"""Everything a service can do wrong ends as one typed error, after one attempt, without a truncated call."""

import asyncio
import time
from typing import Any

import pytest

from ally.errors import (
    AllyError,
    BadReply,
    BadRequest,
    ContextTooLong,
    CutStream,
    IdleStream,
    Overloaded,
    ProviderError,
    RateLimited,
    RefusedKey,
    UnknownModel,
    Unreachable,
)
from ally.messages import ToolCall
from ally.providers.model import Chunk, Done, Model, Request
from tests.contract.conftest import Connect
from tests.contract.roads import IDLE_S, SHORT_S, WEATHER, Subject, ask, every_subject, texts
from tests.fakes import HTML, KEY, Cut, ErrorEvent, Failure, Fake, Hang, Raw, Reply
from tests.fakes.server import encode

SENTENCE = "The quick brown fox jumps over the lazy dog. " * 3
CALL = Reply("Looking.", tool_calls=[("get_weather", {"city": "Rome in the province of Rome", "days": 3})])
WRONG_KEY = "sk-wrong-4f1c09d2aa"


async def failure_of(model: Model, request: Request | None = None) -> tuple[AllyError, list[Chunk]]:
    """The error of a call that must fail, and what had arrived; no call and no `Done` may have."""
    seen: list[Chunk] = []
    with pytest.raises(AllyError) as caught:
        async for chunk in model.stream(request or ask("Hi", tools=[WEATHER])):
            seen.append(chunk)
    assert not [chunk for chunk in seen if isinstance(chunk, ToolCall | Done)]
    error = caught.value
    assert error.message
    for text in (str(error), repr(error), error.hint):
        assert KEY not in text
        assert WRONG_KEY not in text
    return error, seen


@every_subject()
@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure("rate_limit"), RateLimited),
        (Failure("server"), Overloaded),
        (Failure("overloaded"), Overloaded),
        (Failure("overloaded", status=529), Overloaded),
        (Failure("server", status=502), Overloaded),
        (Failure("permission"), RefusedKey),
        (Failure("context"), ContextTooLong),
        (Failure("bad_request"), BadRequest),
    ],
    ids=lambda value: f"{value.kind}-{value.status or 'usual'}" if isinstance(value, Failure) else value.__name__,
)
async def test_an_error_status(
    subject: Subject, connect: Connect, fake: Fake, failure: Failure, expected: type[ProviderError]
) -> None:
    fake.always(failure)
    error, _ = await failure_of(connect())
    assert type(error) is expected
    assert isinstance(error, ProviderError)
    assert error.provider == connect().profile.provider
    assert len(fake.calls) == 1
    if isinstance(error, RateLimited):
        assert error.retry_after_s is None


@every_subject()
async def test_a_rate_limit_says_how_long_to_wait(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Failure("rate_limit", retry_after_s=7))
    error, _ = await failure_of(connect())
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 7
    assert error.retryable
    assert len(fake.calls) == 1


@every_subject("wrong_key")
async def test_a_wrong_key(subject: Subject, connect: Connect, fake: Fake) -> None:
    error, _ = await failure_of(connect(key=WRONG_KEY))
    assert type(error) is RefusedKey
    assert not error.retryable
    assert error.hint


@every_subject("wrong_key")
async def test_a_service_that_repeats_the_whole_key_in_its_complaint(
    subject: Subject, connect: Connect, fake: Fake
) -> None:
    fake.always(Failure("auth", message=f"Incorrect API key provided: {KEY}. Authorization: Bearer {KEY}"))
    error, _ = await failure_of(connect())
    assert type(error) is RefusedKey


@every_subject()
async def test_a_model_that_the_service_does_not_have(subject: Subject, connect: Connect, fake: Fake) -> None:
    if subject.service.name == "minimax":
        fake.always(Failure("unknown_model"))
    error, _ = await failure_of(connect(model="nothing-like-it"), ask("Hi"))
    assert type(error) is UnknownModel
    assert "nothing-like-it" in error.message


@every_subject()
async def test_the_limit_of_the_context_is_told_if_the_service_says_it(
    subject: Subject, connect: Connect, fake: Fake
) -> None:
    known = {"openai": 128_000, "anthropic": 200_000, "google": 1_048_576, "endpoint-openai": 128_000}
    fake.always(Failure("context"))
    model = connect()
    if subject.service.name == "ollama" and model.profile.road == "fast":  # what was asked for; it does not say
        known = {subject.service.name: model.profile.context_window}
    error, _ = await failure_of(model)
    assert isinstance(error, ContextTooLong)
    assert error.limit_tokens == {**known, "endpoint-anthropic": 200_000}.get(subject.service.name)


CUTS = [
    Reply(SENTENCE, fault=Cut("text")),
    Reply(SENTENCE, fault=Cut("text"), framing="close"),
    Reply(SENTENCE, fault=Cut("text", how="reset")),
    Reply(SENTENCE, fault=Cut("text", how="clean")),
    Reply(SENTENCE, fault=Cut("finish")),
    Reply(SENTENCE, fault=Cut("finish"), framing="close"),
    Reply(SENTENCE, fault=Cut("finish", how="clean")),
]
CALL_CUTS = [
    Reply(CALL.text, tool_calls=CALL.tool_calls, fault=Cut(at, how), framing=framing)
    for at, how, framing in (
        ("arguments", "abort", "chunked"),
        ("arguments", "abort", "close"),
        ("arguments", "reset", "chunked"),
        ("arguments", "clean", "chunked"),
        ("finish", "abort", "chunked"),
        ("finish", "abort", "close"),
        ("finish", "clean", "chunked"),
    )
]


def _is_half_line(subject: Subject, reply: Reply) -> bool:
    """Whether the road cannot tell this cut from garbage: the HTTP body ended properly inside a line."""
    fault = reply.fault
    assert isinstance(fault, Cut)
    ends_properly = fault.how == "clean" or (fault.how == "abort" and reply.framing == "close")
    return "half_line" in subject.unsupported and fault.at == "arguments" and ends_properly


def _cut_name(reply: Any) -> str:
    fault = reply.fault
    return f"{fault.at}-{fault.how}-{reply.framing}"


@every_subject()
@pytest.mark.parametrize("reply", CUTS, ids=_cut_name)
async def test_a_stream_cut_in_the_text(subject: Subject, connect: Connect, fake: Fake, reply: Reply) -> None:
    fake.always(reply)
    error, seen = await failure_of(connect(), ask("Hi"))
    assert type(error) is CutStream
    assert error.retryable
    assert SENTENCE.startswith(texts(seen))
    assert texts(seen)
    assert len(fake.calls) == 1


@every_subject()
@pytest.mark.parametrize("reply", CALL_CUTS, ids=_cut_name)
async def test_a_stream_cut_in_a_tool_call(subject: Subject, connect: Connect, fake: Fake, reply: Reply) -> None:
    fake.always(reply)
    seen: list[Chunk] = []
    with pytest.raises(BadReply if _is_half_line(subject, reply) else CutStream):
        async for chunk in connect().stream(ask("Hi", tools=[WEATHER])):
            seen.append(chunk)
    calls = [chunk for chunk in seen if isinstance(chunk, ToolCall)]
    # A call that the service had finished may be there; a cut one never.
    whole = reply.fault is not None and reply.fault.at == "finish"
    assert all(call.args == CALL.tool_calls[0][1] for call in calls)
    assert whole or not calls


@every_subject()
async def test_a_connection_that_ends_before_the_answer_begins(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Reply("Hello", fault=Cut("start")))
    error, seen = await failure_of(connect())
    assert isinstance(error, CutStream | Unreachable)
    assert seen == []


@every_subject()
async def test_a_connection_that_ends_before_the_headers(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Reply("Hello", fault=Cut("headers")))
    error, _ = await failure_of(connect())
    assert isinstance(error, CutStream | Unreachable)
    assert error.retryable


@every_subject()
@pytest.mark.parametrize("body", [HTML, Raw(b"", content_type="text/event-stream"), Raw(b"{", 200, "application/json")])
async def test_something_that_is_no_answer(subject: Subject, connect: Connect, fake: Fake, body: Raw) -> None:
    fake.always(body)
    error, _ = await failure_of(connect())
    assert isinstance(error, BadReply | CutStream)
    if body is HTML:
        assert type(error) is BadReply


@every_subject()
async def test_html_with_an_error_status(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Raw(HTML.body, status=503))
    error, _ = await failure_of(connect())
    assert type(error) is Overloaded
    assert "<html" not in error.message


@every_subject()
async def test_an_error_as_json_with_status_200(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Raw(encode(fake.problem(Failure("overloaded")).body), 200, "application/json"))
    error, _ = await failure_of(connect())
    assert isinstance(error, Overloaded | BadReply)


@every_subject()
async def test_an_error_inside_the_stream(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Reply(SENTENCE, fault=ErrorEvent("text", "overloaded")))
    error, seen = await failure_of(connect(), ask("Hi"))
    assert type(error) is Overloaded
    assert texts(seen)


@every_subject()
async def test_an_error_inside_the_stream_after_a_whole_call(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Reply("Looking.", tool_calls=CALL.tool_calls, fault=ErrorEvent("arguments", "server")))
    with pytest.raises(Overloaded):
        async for chunk in connect().stream(ask("Hi", tools=[WEATHER])):
            assert not isinstance(chunk, Done)


@every_subject()
@pytest.mark.parametrize("at", ["headers", "start", "text", "finish"])
async def test_silence(subject: Subject, connect: Connect, fake: Fake, at: Any) -> None:
    fake.always(Reply(SENTENCE, fault=Hang(at)))
    while not fake.calls:  # the first time, a client may need longer than that before it says a word
        error, _ = await failure_of(connect(idle_timeout_s=SHORT_S), ask("Hi"))
        assert type(error) is IdleStream
        assert error.idle_s == SHORT_S
    assert await asyncio.to_thread(fake.calls[0].wait_disconnected, 3)


@every_subject()
async def test_a_slow_answer_is_no_silence(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Reply("a b c d", piece_chars=2, delay_s=IDLE_S * 0.25))
    chunks = [chunk async for chunk in connect(idle_timeout_s=IDLE_S).stream(ask("Hi"))]
    assert texts(chunks) == "a b c d"


@every_subject()
async def test_nobody_listens(subject: Subject, connect: Connect, closed_port: int) -> None:
    error, _ = await failure_of(connect(base_url=f"http://127.0.0.1:{closed_port}/v1"))
    assert type(error) is Unreachable
    assert error.retryable


@every_subject()
@pytest.mark.parametrize("at", ["headers", "text"])
async def test_cancelling_leaves_at_once_and_the_service_sees_it(
    subject: Subject, connect: Connect, fake: Fake, at: Any
) -> None:
    fake.always(Reply(SENTENCE, fault=Hang(at)))
    got_text = asyncio.Event()

    async def read() -> None:
        async for chunk in connect().stream(ask("Hi")):
            if texts([chunk]):
                got_text.set()

    task = asyncio.create_task(read())
    await asyncio.wait_for(got_text.wait() if at == "text" else _called(fake), 10)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 1.0
    assert await asyncio.to_thread(fake.calls[0].wait_disconnected, 3)


@every_subject()
async def test_closing_the_stream_leaves_at_once(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Reply(SENTENCE, delay_s=0.05))
    stream = connect().stream(ask("Hi"))
    await anext(aiter(stream))
    started = time.monotonic()
    await stream.aclose()  # type: ignore[attr-defined]  # every road is an async generator
    assert time.monotonic() - started < 1.0
    assert await asyncio.to_thread(fake.calls[0].wait_disconnected, 3)


async def _called(fake: Fake) -> None:
    while not fake.calls:  # noqa: ASYNC110 - the fake runs in another thread
        await asyncio.sleep(0.01)
