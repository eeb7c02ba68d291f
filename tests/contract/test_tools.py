"""Tool calls: strictly read, whole or not at all, and their results on the way back."""

import pytest

from ally.messages import BadToolCall, Text, Thinking, ToolCall, ToolMessage, ToolResult, user
from tests.contract.conftest import Connect
from tests.contract.roads import GOOGLE, NOW, SUBJECTS, WEATHER, Subject, answer_of, ask, every_subject
from tests.fakes import Fake, Reply


@every_subject()
async def test_a_tool_call(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(tool_calls=[("get_weather", {"city": "Zürich 🏔", "days": 3})]))
    answer = await answer_of(connect(), ask("Weather?", tools=[WEATHER, NOW]))
    (call,) = answer.calls
    assert isinstance(call, ToolCall)
    assert (call.name, call.args) == ("get_weather", {"city": "Zürich 🏔", "days": 3})
    assert call.id
    assert answer.done is not None
    assert answer.done.stop_reason == "tool_calls"


@every_subject()
async def test_a_call_without_arguments(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(tool_calls=[("now", {})]))
    answer = await answer_of(connect(), ask("Time?", tools=[NOW]))
    (call,) = answer.calls
    assert isinstance(call, ToolCall)
    assert (call.name, call.args) == ("now", {})


@every_subject()
async def test_parallel_calls_keep_their_order_and_have_ids_of_their_own(
    subject: Subject, connect: Connect, fake: Fake
) -> None:
    wanted = [("get_weather", {"city": "Rome"}), ("now", {}), ("get_weather", {"city": "Oslo", "days": 2})]
    fake.script(Reply("Let me look.", tool_calls=wanted))
    answer = await answer_of(connect(), ask("Weather?", tools=[WEATHER, NOW]))
    assert answer.message().text == "Let me look."
    calls = [call for call in answer.calls if isinstance(call, ToolCall)]
    assert [(call.name, call.args) for call in calls] == wanted
    assert len({call.id for call in calls}) == 3


@every_subject()
async def test_arguments_split_at_any_byte(subject: Subject, connect: Connect, fake: Fake) -> None:
    args = {"city": 'Frankfurt "am" \\ Main \n 日本', "days": -1}
    fake.script(Reply(tool_calls=[("get_weather", args)], write_bytes=2, piece_chars=1))
    answer = await answer_of(connect(), ask("Weather?", tools=[WEATHER]))
    assert [call.args for call in answer.calls if isinstance(call, ToolCall)] == [args]


@every_subject()
async def test_results_go_back_with_their_calls(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply("I look.", tool_calls=[("get_weather", {"city": "Rome"}), ("now", {})]))
    model = connect()
    first = await answer_of(model, ask("Weather and time?", tools=[WEATHER, NOW]))
    ids = [call.id for call in first.calls]
    results = ToolMessage(
        (ToolResult(ids[0], "21 °C, sunny", name="get_weather"), ToolResult(ids[1], "10:00", name="now"))
    )
    request = ask("Weather and time?", first.message(), results, tools=[WEATHER, NOW])
    second = await answer_of(model, request)
    assert "21 °C, sunny" in second.message().text
    assert "10:00" in second.message().text


@every_subject()
async def test_a_failed_tool_is_told_to_the_model(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(tool_calls=[("get_weather", {"city": "Atlantis"})]))
    model = connect()
    first = await answer_of(model, ask("Weather?", tools=[WEATHER]))
    results = ToolMessage((ToolResult(first.calls[0].id, "no such city", is_error=True, name="get_weather"),))
    second = await answer_of(model, ask("Weather?", first.message(), results, tools=[WEATHER]))
    assert "no such city" in second.message().text


@every_subject()
async def test_an_empty_result_is_a_result(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(tool_calls=[("now", {})]), Reply("Done."))
    model = connect()
    first = await answer_of(model, ask("Time?", tools=[NOW]))
    results = ToolMessage((ToolResult(first.calls[0].id, "", name="now"),))
    second = await answer_of(model, ask("Time?", first.message(), results, tools=[NOW]))
    assert second.message().text == "Done."


@every_subject("bad_arguments")
@pytest.mark.parametrize(
    "raw", ['{"city": "Ro', '{"city": "Rome",}', "Rome", '["Rome"]', "null", '{"city": "Rome"} {"x": 1}'], ids=ascii
)
async def test_broken_arguments_are_no_call(subject: Subject, connect: Connect, fake: Fake, raw: str) -> None:
    fake.script(Reply(tool_calls=[("get_weather", raw)]))
    answer = await answer_of(connect(), ask("Weather?", tools=[WEATHER]))
    (call,) = answer.calls
    assert isinstance(call, BadToolCall)
    assert call.name == "get_weather"
    assert call.problem


@every_subject("bad_arguments")
async def test_a_call_cut_by_the_token_limit_is_no_call(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(tool_calls=[("get_weather", '{"city": "Ro')], stop="length"))
    answer = await answer_of(connect(), ask("Weather?", tools=[WEATHER]))
    assert not [call for call in answer.calls if isinstance(call, ToolCall)]
    assert answer.done is not None
    assert answer.done.stop_reason == "length"


@every_subject("bad_arguments")
async def test_a_conversation_goes_on_after_broken_arguments(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(tool_calls=[("get_weather", '{"city": "Ro'), ("now", {})]))
    model = connect()
    first = await answer_of(model, ask("Weather?", tools=[WEATHER, NOW]))
    results = ToolMessage(
        (
            ToolResult(first.calls[0].id, "the arguments are cut", is_error=True, name="get_weather"),
            ToolResult(first.calls[1].id, "10:00", name="now"),
        )
    )
    second = await answer_of(model, ask("Weather?", first.message(), results, tools=[WEATHER, NOW]))
    assert "the arguments are cut" in second.message().text


@every_subject("thinking_kept")
async def test_thinking_goes_back_unchanged_while_tools_run(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(thinking="I need the time. ⏱", tool_calls=[("now", {})]))
    model = connect(temperature=1.0, **subject.service.thinking)
    first = await answer_of(model, ask("Time?", tools=[NOW]))
    assert any(isinstance(part, Thinking) for part in first.message().parts)
    results = ToolMessage((ToolResult(first.calls[0].id, "10:00", name="now"),))
    second = await answer_of(model, ask("Time?", first.message(), results, tools=[NOW]))
    assert "10:00" in second.message().text
    if subject.service is not GOOGLE:  # Gemini wants the signature of the call instead, which its fake has checked
        assert "I need the time." in fake.calls[1].body.decode()


@every_subject()
async def test_an_interrupted_call_in_the_history_gets_through(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(tool_calls=[("now", {})]), Reply("Fine."))
    model = connect()
    first = await answer_of(model, ask("Time?", tools=[NOW]))
    results = ToolMessage((ToolResult(first.calls[0].id, "interrupted by the user", is_error=True, name="now"),))
    second = await answer_of(model, ask("Time?", first.message(), results, user("Never mind."), tools=[NOW]))
    assert second.message().text == "Fine."


@every_subject()
@pytest.mark.parametrize("choice", ["required", "now"])
async def test_a_call_can_be_demanded(subject: Subject, connect: Connect, fake: Fake, choice: str) -> None:
    if subject.service.name == "ollama":
        fake.script(Reply(tool_calls=[("now", {})]))  # Ollama has no tool_choice; the request must still be accepted
    answer = await answer_of(connect(), ask("Hello", tools=[NOW, WEATHER], tool_choice=choice))
    assert [call.name for call in answer.calls] == ["now"]


@every_subject()
async def test_calls_can_be_forbidden(subject: Subject, connect: Connect, fake: Fake) -> None:
    if subject.service.name == "ollama":
        fake.script(Reply("No."))
    answer = await answer_of(connect(), ask("Use now", tools=[NOW], tool_choice="none"))
    assert answer.calls == []
    assert any(isinstance(part, Text) for part in answer.message().parts)


def test_what_a_road_cannot_have_has_a_reason() -> None:
    assert all(reason for subject in SUBJECTS for reason in subject.unsupported.values())
    assert len({str(subject) for subject in SUBJECTS}) == len(SUBJECTS)
