"""One turn, driven through its event stream."""

import asyncio

import pytest

from ally.engine.conversation import Conversation, Limits
from ally.engine.loop import AS_JSON, MAX_BAD_ROUNDS, send
from ally.errors import (
    BadReply,
    BadRequest,
    ContextTooLong,
    CutStream,
    Overloaded,
    RateLimited,
    RefusedKey,
    ToolError,
)
from ally.events import (
    MessageFinished,
    Notice,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolRequested,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    UsageReported,
    check_order,
)
from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    UserMessage,
    assistant,
    user,
)
from ally.providers.model import Done, TextChunk, ThinkingChunk, Usage
from tests.scripted import HANG, NoteTool, ScriptedModel

END = Done("end", Usage(10, 5, 2, cache_written_tokens=4))


async def play(talk: Conversation, text: str = "hi", interrupt_at: type | None = None) -> list:
    events = []
    async for event in send(talk, user(text)):
        events.append(event)
        if interrupt_at is not None and isinstance(event, interrupt_at):
            asyncio.get_running_loop().call_later(0.01, talk.interrupt.request)
    check_order(events)
    return events


def kinds(events: list) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_text_and_thinking_arrive_as_deltas_and_become_one_message():
    model = ScriptedModel([[ThinkingChunk("hm"), ThinkingChunk("m"), TextChunk("Hel"), TextChunk("lo"), END]])
    talk = Conversation(model)
    events = await play(talk)
    assert kinds(events) == [
        "TurnStarted",
        "ThinkingDelta",
        "ThinkingDelta",
        "TextDelta",
        "TextDelta",
        "UsageReported",
        "MessageFinished",
        "TurnFinished",
    ]
    assert UsageReported(10, 5, 2, cache_written_tokens=4) in events
    assert talk.messages == [user("hi"), AssistantMessage((Thinking("hmm"), Text("Hello")))]


@pytest.mark.parametrize("chunks", [[END], [TextChunk(" \n"), END], [ThinkingChunk("hm"), END]])
async def test_an_answer_of_nothing_is_told(chunks):
    events = await play(Conversation(ScriptedModel([chunks])))
    assert isinstance(events[-2], Notice)
    assert "answered nothing" in events[-2].text
    assert events[-1] == TurnFinished("end")


async def test_a_tool_result_goes_back_to_the_model_and_the_next_request_extends_the_last():
    call = ToolCall("c1", "note", {"text": "milk"})
    model = ScriptedModel([[call, Done("tool_calls")], [TextChunk("ok"), END]])
    tool = NoteTool()
    talk = Conversation(model, system="be brief", tools=[tool])
    events = await play(talk)
    assert tool.calls == [{"text": "milk"}]
    assert ToolRequested(call) in events
    result = talk.messages[2].results[0]
    assert (result.call_id, result.for_model, result.is_error) == ("c1", "noted milk", False)
    first, second = model.requests
    assert second.messages[: len(first.messages)] == first.messages
    assert (first.system, first.tools) == (second.system, second.tools)


async def test_a_call_with_cut_arguments_never_runs_and_the_model_is_told():
    cut = BadToolCall("c1", "note", '{"text": "mi', "The arguments are cut.")
    model = ScriptedModel([[cut, Done("length")], [TextChunk("sorry"), END]])
    tool = NoteTool()
    talk = Conversation(model, tools=[tool])
    events = await play(talk)
    assert tool.calls == []
    finished = [event for event in events if isinstance(event, ToolFinished)]
    assert finished[0].result.is_error
    assert finished[0].result.for_model == "The arguments are cut."


async def test_endless_unusable_calls_end_the_turn():
    bad = [BadToolCall("c", "note", "{", "cut"), Done("length")]
    model = ScriptedModel([bad] * 10)
    tool = NoteTool()
    events = await play(Conversation(model, tools=[tool]))
    assert isinstance(events[-1], TurnFailed)
    assert isinstance(events[-1].error, BadReply)
    assert len(model.requests) == MAX_BAD_ROUNDS
    assert tool.calls == []


@pytest.mark.parametrize("args", [{}, {"text": 7}, {"txt": "a"}])
async def test_arguments_that_do_not_fit_the_schema_are_refused_with_a_reason(args):
    model = ScriptedModel([[ToolCall("c", "note", args), Done("tool_calls")], [TextChunk("ok"), END]])
    tool = NoteTool()
    events = await play(Conversation(model, tools=[tool]))
    result = next(event.result for event in events if isinstance(event, ToolFinished))
    assert result.is_error
    assert "text" in result.for_model
    assert tool.calls == []


async def test_unknown_tool_is_named_with_those_that_exist():
    model = ScriptedModel([[ToolCall("c", "no\nte", {}), Done("tool_calls")], [TextChunk("ok"), END]])
    events = await play(Conversation(model, tools=[NoteTool()]))
    result = next(event.result for event in events if isinstance(event, ToolFinished))
    assert result.is_error
    assert "note" in result.for_model


async def test_a_failing_tool_is_a_result_and_the_turn_goes_on():
    model = ScriptedModel([[ToolCall("c", "note", {"text": "a"}), Done("tool_calls")], [TextChunk("ok"), END]])
    events = await play(Conversation(model, tools=[NoteTool(error=ToolError("note", "The notebook is full."))]))
    assert isinstance(events[-1], TurnFinished)
    assert any(isinstance(event, ToolFinished) and "full" in event.result.for_model for event in events)


async def test_a_model_without_tools_is_offered_none():
    model = ScriptedModel([[TextChunk("ok"), END]], tools=False)
    await play(Conversation(model, tools=[NoteTool()]))
    assert model.requests[0].tools == ()


async def test_overload_is_tried_again_visibly():
    model = ScriptedModel([[Overloaded("busy")], [TextChunk("ok"), END]])
    events = await play(Conversation(model))
    notices = [event for event in events if isinstance(event, Notice)]
    assert len(notices) == 1
    assert notices[0].retry_in_s > 0
    assert isinstance(events[-1], TurnFinished)


async def test_a_rate_limit_is_waited_for_as_told():
    model = ScriptedModel([[RateLimited("slow down", retry_after_s=0.05)], [TextChunk("ok"), END]])
    events = await play(Conversation(model))
    assert next(event for event in events if isinstance(event, Notice)).retry_in_s == 0.05
    assert isinstance(events[-1], TurnFinished)


@pytest.mark.parametrize(
    "error",
    [RateLimited("spent", retry_after_s=None), RateLimited("spent", retry_after_s=3600), RefusedKey("no")],
)
async def test_what_waiting_cannot_mend_is_not_tried_again(error):
    model = ScriptedModel([[error]])
    events = await play(Conversation(model))
    assert events[-1] == TurnFailed(error)
    assert len(model.requests) == 1


async def test_tries_are_limited():
    model = ScriptedModel([[RateLimited("slow", retry_after_s=0.01)]] * 9)
    events = await play(Conversation(model))
    assert isinstance(events[-1], TurnFailed)
    assert len(model.requests) == 4


async def test_a_cut_stream_keeps_the_text_and_is_not_repeated():
    model = ScriptedModel([[TextChunk("Half an ans"), CutStream("cut")]])
    talk = Conversation(model)
    events = await play(talk)
    assert events[-1].partial == assistant("Half an ans")
    assert talk.messages[-1] == assistant("Half an ans")
    assert len(model.requests) == 1


async def test_a_stream_without_an_end_is_a_failure():
    events = await play(Conversation(ScriptedModel([[TextChunk("Half")]])))
    assert isinstance(events[-1].error, CutStream)


async def test_calls_of_a_cut_stream_do_not_run():
    tool = NoteTool()
    model = ScriptedModel([[ToolCall("c", "note", {"text": "a"}), CutStream("cut")]])
    talk = Conversation(model, tools=[tool])
    await play(talk)
    assert tool.calls == []
    assert not any(isinstance(part, ToolCall) for part in talk.messages[-1].parts)


async def test_interrupting_a_stream_keeps_what_came_and_closes_it():
    model = ScriptedModel([[TextChunk("Once upon"), HANG], [TextChunk("ok"), END]])
    talk = Conversation(model)
    events = await play(talk, interrupt_at=TextDelta)
    assert events[-1] == TurnInterrupted(assistant("Once upon"))
    assert model.closed_streams == 1
    assert isinstance((await play(talk, "go on"))[-1], TurnFinished)


async def test_what_got_no_answer_is_said_again_with_the_next_message():
    model = ScriptedModel([[HANG], [RefusedKey("no")], [TextChunk("ok"), END]])
    talk = Conversation(model)
    asyncio.get_running_loop().call_later(0.02, talk.interrupt.request)
    assert (await play(talk, "a log"))[-1] == TurnInterrupted(None)
    assert isinstance((await play(talk, "what failed?"))[-1], TurnFailed)
    await play(talk, "try again")
    assert model.requests[-1].messages == (user("a log\n\nwhat failed?\n\ntry again"),)
    assert [message.role for message in talk.messages] == ["user", "assistant"]


async def test_pictures_that_got_no_answer_are_kept_in_order():
    picture = Image(b"png", "image/png")
    model = ScriptedModel([[RefusedKey("no")], [TextChunk("ok"), END]])
    talk = Conversation(model)
    for message in (UserMessage((Text("look"), picture)), user("well?")):
        async for _ in send(talk, message):
            pass
    assert model.requests[-1].messages == (UserMessage((Text("look"), picture, Text("well?"))),)


TOO_LONG = ContextTooLong("too long")


@pytest.mark.parametrize(
    "failure", [[[BadRequest("no pictures")]], [[TOO_LONG], [TextChunk("a sum"), END], [TOO_LONG]]]
)
async def test_what_no_request_can_hold_does_not_spoil_the_next(failure):
    model = ScriptedModel([[TextChunk("hello"), END], *failure, [TextChunk("ok"), END]])
    talk = Conversation(model)
    for text in ("hi", "far too much", "then less"):
        await play(talk, text)
    assert [message.role for message in model.requests[-1].messages] == ["user", "assistant", "user"]
    assert model.requests[-1].messages[-1] == user("then less")


async def test_thoughts_alone_are_no_answer():
    talk = Conversation(ScriptedModel([[ThinkingChunk("hm"), HANG]]))
    assert (await play(talk, interrupt_at=ThinkingDelta))[-1] == TurnInterrupted(None)
    assert talk.messages == [user("hi")]


async def test_interrupting_after_a_tool_leaves_a_history_that_can_go_on():
    calls = [ToolCall("a", "note", {"text": "1"}), Done("tool_calls")]
    model = ScriptedModel([calls, [HANG], [TextChunk("ok"), END]])
    talk = Conversation(model, tools=[NoteTool()])
    await play(talk, interrupt_at=ToolFinished)
    assert isinstance((await play(talk, "next"))[-1], TurnFinished)
    roles = [message.role for message in model.requests[-1].messages]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


async def test_interrupting_a_tool_gives_every_call_a_result():
    calls = [ToolCall("a", "note", {"text": "1"}), ToolCall("b", "note", {"text": "2"})]
    model = ScriptedModel([[*calls, Done("tool_calls")], [TextChunk("ok"), END]])
    talk = Conversation(model, tools=[NoteTool(hangs=True)])
    events = await play(talk, interrupt_at=ToolRequested)
    assert isinstance(events[-1], TurnInterrupted)
    message = talk.messages[-2]
    assert isinstance(message, ToolMessage)
    assert [result.call_id for result in message.results] == ["a", "b"]
    assert all(result.is_error for result in message.results)
    assert isinstance((await play(talk, "next"))[-1], TurnFinished)


async def test_interrupting_a_wait_for_another_try_ends_it():
    model = ScriptedModel([[RateLimited("slow", retry_after_s=30)]])
    talk = Conversation(model)
    events = await asyncio.wait_for(play(talk, interrupt_at=Notice), 5)
    assert isinstance(events[-1], TurnInterrupted)


async def test_the_number_of_model_calls_is_limited():
    call = [ToolCall("c", "note", {"text": "a"}), Done("tool_calls")]
    model = ScriptedModel([call] * 9)
    events = await play(Conversation(model, tools=[NoteTool()], limits=Limits(max_turns=2)))
    assert events[-1] == TurnFinished("max_turns")
    assert len(model.requests) == 2


async def test_the_time_is_limited_and_the_text_kept():
    model = ScriptedModel([[TextChunk("Once"), HANG]])
    talk = Conversation(model, limits=Limits(max_seconds=0.05))
    events = await play(talk)
    assert events[-1] == TurnFinished("max_seconds")
    assert talk.messages[-1] == assistant("Once")


async def test_signed_thinking_is_kept_in_its_own_blocks():
    chunks = [ThinkingChunk("a"), ThinkingChunk("", "sig1"), ThinkingChunk("b", "sig2"), TextChunk("t"), END]
    talk = Conversation(ScriptedModel([chunks]))
    events = await play(talk)
    assert talk.messages[-1].parts == (Thinking("a", "sig1"), Thinking("b", "sig2"), Text("t"))
    assert [event.text for event in events if isinstance(event, ThinkingDelta)] == ["a", "b"]


async def test_an_empty_answer_is_an_answer():
    talk = Conversation(ScriptedModel([[END]]))
    events = await play(talk)
    assert MessageFinished(AssistantMessage(())) in events
    assert isinstance(talk.messages[0], UserMessage)


async def test_another_model_gets_the_history_without_thinking_and_signatures():
    call = ToolCall("c", "note", {"text": "a"}, signature="gemini")
    first = ScriptedModel([[ThinkingChunk("hm", "sig"), call, Done("tool_calls")], [TextChunk("ok"), END]])
    second = ScriptedModel([[TextChunk("yes"), END]])
    talk = Conversation(first, tools=[NoteTool()])
    await play(talk)
    assert talk.change_model(second, "") is first
    await play(talk, "and now?")
    parts = second.requests[0].messages[1].parts
    assert parts == (ToolCall("c", "note", {"text": "a"}),)


async def test_with_tools_the_form_is_asked_for_when_the_work_is_done():
    call = ToolCall("a", "note", {"text": "1"})
    script = [[call, Done("tool_calls")], [TextChunk("It is Friday."), END], [TextChunk('{"day": "Friday"}'), END]]
    model = ScriptedModel(script)
    schema = {"type": "object", "properties": {"day": {"type": "string"}}}
    talk = Conversation(model, tools=[NoteTool()], json_schema=schema)
    events = await play(talk)
    assert events[-1] == TurnFinished("end")
    assert [(len(request.tools), request.json_schema) for request in model.requests] == [
        (1, None),
        (1, None),
        (0, schema),
    ]
    assert talk.messages[-1].text == '{"day": "Friday"}'
    assert AS_JSON in model.requests[-1].messages[-1].text


async def test_without_tools_the_form_is_asked_for_at_once():
    model = ScriptedModel([[TextChunk("{}"), END]])
    talk = Conversation(model, json_schema={"type": "object"})
    await play(talk)
    assert [request.json_schema for request in model.requests] == [{"type": "object"}]
