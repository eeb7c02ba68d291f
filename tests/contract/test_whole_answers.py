"""Answers asked for in one piece, for servers and plug-ins that cannot stream."""

import pytest

from ally.errors import AllyError, BadReply, CutStream, Overloaded, Unreachable
from ally.messages import ToolCall, ToolMessage, ToolResult
from ally.providers.model import Done
from tests.contract.conftest import Connect
from tests.contract.roads import NOW, WEATHER, Subject, answer_of, ask, every_subject, texts
from tests.fakes import HTML, Cut, ErrorEvent, Fake, Hang, Reply
from tests.fakes import Usage as Tokens

WHOLE = {"disable_streaming": True}


@every_subject()
async def test_a_whole_answer(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply("Hello, world. 🌍", usage=Tokens(input=31, output=9)))
    answer = await answer_of(connect(**WHOLE), ask("Hi"))
    assert answer.message().text == "Hello, world. 🌍"
    assert answer.done is not None
    usage = answer.done.usage
    assert usage is not None
    assert (answer.done.stop_reason, usage.input_tokens, usage.output_tokens) == ("end", 31, 9)
    assert _streamed(fake) == ("asks_for_whole" in subject.unsupported)


@every_subject()
async def test_calls_in_a_whole_answer(subject: Subject, connect: Connect, fake: Fake) -> None:
    wanted = [("get_weather", {"city": "Rome"}), ("now", {})]
    fake.script(Reply("Let me look.", tool_calls=wanted))
    model = connect(**WHOLE)
    first = await answer_of(model, ask("Weather?", tools=[WEATHER, NOW]))
    calls = [call for call in first.calls if isinstance(call, ToolCall)]
    assert [(call.name, call.args) for call in calls] == wanted
    results = ToolMessage(tuple(ToolResult(call.id, f"result of {call.name}", name=call.name) for call in calls))
    second = await answer_of(model, ask("Weather?", first.message(), results, tools=[WEATHER, NOW]))
    assert "result of get_weather" in second.message().text


@every_subject()
@pytest.mark.parametrize("how", ["abort", "reset", "clean"])
async def test_a_whole_answer_that_is_cut(subject: Subject, connect: Connect, fake: Fake, how: str) -> None:
    call = ("get_weather", {"city": "Rome in the province of Rome"})
    fake.always(Reply("Looking.", tool_calls=[call], fault=Cut("text", how)))  # type: ignore[arg-type]  # a Literal
    with pytest.raises((CutStream, BadReply, Unreachable)):
        async for chunk in connect(**WHOLE).stream(ask("Hi", tools=[WEATHER])):
            assert not isinstance(chunk, ToolCall | Done)
    assert len(fake.calls) == 1


@every_subject()
async def test_an_error_instead_of_a_whole_answer(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Reply("Hi", fault=ErrorEvent(kind="overloaded")))
    with pytest.raises(Overloaded):
        await answer_of(connect(**WHOLE), ask("Hi"))


@every_subject()
async def test_a_web_page_instead_of_a_whole_answer(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(HTML)
    with pytest.raises(BadReply):
        await answer_of(connect(**WHOLE), ask("Hi"))


@every_subject()
async def test_silence_instead_of_a_whole_answer(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.always(Reply("Hi", fault=Hang("text")))
    seen = []
    with pytest.raises(AllyError):
        async for chunk in connect(**WHOLE, idle_timeout_s=0.1).stream(ask("Hi")):
            seen.append(chunk)
    assert texts(seen) == ""


def _streamed(fake: Fake) -> bool:
    call = fake.calls[0]
    return "stream" in call.path or call.json.get("stream") is True
