"""A conversation that outgrows its window goes on with a summary of itself."""

from dataclasses import dataclass, field, replace

from ally.engine.compaction import LEFT_OUT, compact, is_needed
from ally.engine.context import shares, used
from ally.engine.conversation import Conversation
from ally.engine.loop import send
from ally.errors import ContextTooLong
from ally.events import Compacted, TurnFailed, TurnFinished, TurnInterrupted, check_order
from ally.messages import AssistantMessage, Text, ToolCall, ToolMessage, ToolResult, assistant, user
from ally.providers.model import Done, Profile, TextChunk, Usage
from tests.scripted import HANG, NoteTool, ScriptedModel
from tests.unit.engine.test_calls import Kept

LONG = "word " * 3000
TOO_LONG = ContextTooLong("too long")


@dataclass
class Narrow(ScriptedModel):
    """A model with a known window."""

    window: int | None = 4_000
    weights: int | None = None
    wide: list[str] = field(default_factory=list)

    @property
    def profile(self) -> Profile:
        about = Profile("scripted", "script-1", location="local", tools=self.tools, context_window=self.window)
        return replace(about, parameters=self.weights, tool_calling="schema" if self.weights else "native")


def said(text: str, tokens: int = 100) -> list:
    return [TextChunk(text), Done("end", Usage(tokens, 5))]


def history() -> list:
    call = ToolCall("c1", "edit", {"path": "src/a.py"})
    return [
        user("Make the tests pass."),
        AssistantMessage((Text("I edit."), call)),
        ToolMessage((ToolResult("c1", LONG, name="edit"),)),
        assistant("One passes."),
    ]


async def play(talk: Conversation, text: str = "And the other one?") -> list:
    events = [event async for event in send(talk, user(text))]
    check_order(events)
    return events


async def test_a_full_window_is_summarised_before_the_next_request_and_the_user_is_told():
    model = Narrow([said("SUMMARY"), said("done")])
    talk = Conversation(model, system="You are Ally.", messages=history(), log=Kept())
    before = talk.request()
    assert is_needed(talk)
    events = await play(talk)
    told = next(event for event in events if isinstance(event, Compacted))
    assert told.summary == "SUMMARY"
    assert told.tokens_after < told.tokens_before
    asking, going_on = model.requests
    assert asking.messages[: len(before.messages)] == before.messages
    assert (asking.system, asking.tools) == (before.system, before.tools)
    text = going_on.messages[0].text
    assert "SUMMARY" in text
    assert "Make the tests pass." in text
    assert "src/a.py" in text
    assert going_on.messages[-1] == user("And the other one?")
    assert going_on.system == "You are Ally."
    assert talk.log.messages[-1].text == "done"


async def test_nothing_is_summarised_while_there_is_room():
    model = Narrow([said("fine")], window=100_000)
    events = await play(Conversation(model, messages=history()))
    assert not any(isinstance(event, Compacted) for event in events)


async def test_the_count_of_the_service_is_believed_more_than_the_estimate():
    model = Narrow([said("hello", tokens=3_900), said("SUMMARY"), said("ok")])
    talk = Conversation(model, messages=[user("hi"), assistant("hello")])
    await play(talk, "short")
    assert used(talk) >= 3_900
    events = await play(talk, "also short")
    assert any(isinstance(event, Compacted) for event in events)


async def test_a_service_that_says_too_long_gets_one_summary_and_one_more_try():
    model = Narrow([[TOO_LONG], said("SUMMARY"), said("done")], window=None)
    events = await play(Conversation(model, messages=history()))
    assert events[-1] == TurnFinished("end")
    assert len(model.requests) == 3


async def test_when_even_that_is_too_long_the_turn_fails_and_the_history_keeps_what_was_said():
    model = Narrow([[TOO_LONG], said("SUMMARY"), [TOO_LONG], said("fine")], window=None)
    talk = Conversation(model, messages=history(), log=Kept())
    events = await play(talk, "far too much")
    assert isinstance(events[-1], TurnFailed)
    assert len(model.requests) == 3
    await play(talk, "less")
    assert "SUMMARY" in model.requests[-1].messages[0].text
    assert "far too much" not in str(model.requests[-1].messages)


async def test_a_summary_that_does_not_fit_is_asked_for_with_less():
    model = Narrow([[TOO_LONG], said("SUMMARY"), said("done")])
    events = await play(Conversation(model, messages=history()))
    assert events[-1] == TurnFinished("end")
    assert LONG in str(model.requests[0].messages)
    assert LEFT_OUT in str(model.requests[1].messages)


async def test_in_the_middle_of_a_turn_the_work_goes_on_after_the_summary():
    call = [ToolCall("c9", "note", {"text": "x"}), Done("tool_calls", Usage(3_900, 5))]
    model = Narrow([call, said("SUMMARY"), said("done")])
    talk = Conversation(model, tools=[NoteTool()], messages=[user("hi"), assistant("hello")])
    events = await play(talk)
    assert events[-1] == TurnFinished("end")
    assert model.requests[-1].messages[-1].role == "user"
    assert "SUMMARY" in model.requests[-1].messages[-1].parts[-1].text


async def test_an_interrupted_summary_changes_nothing():
    model = Narrow([[HANG], said("SUMMARY"), said("done")])
    talk = Conversation(model, messages=history())
    events = []
    async for event in send(talk, user("next")):
        events.append(event)
        if len(events) == 2:
            talk.interrupt.request()
    assert isinstance(events[-1], TurnInterrupted)
    assert talk.messages[:4] == history()


async def test_a_second_summary_keeps_goal_and_files_of_the_first():
    model = Narrow([said("FIRST"), said("SECOND")])
    talk = Conversation(model, messages=history())
    [event async for event in compact(talk)]
    talk.messages.append(assistant("more"))
    [event async for event in compact(talk)]
    start = talk.messages[0].context
    assert "SECOND" in start
    assert "Make the tests pass." in start
    assert "src/a.py" in start


async def test_what_the_user_wants_kept_is_told_to_the_model():
    model = Narrow([said("SUMMARY")])
    [event async for event in compact(Conversation(model, messages=history()), "the port numbers")]
    assert "the port numbers" in model.requests[0].messages[-1].text


def test_a_tiny_model_is_counted_without_the_tools_and_results_that_it_never_sees():
    talk = Conversation(Narrow([], weights=135_000_000), system="Be brief.", tools=[NoteTool()], messages=history())
    parts = {share.name: share.tokens for share in shares(talk)}
    assert (parts["tools"], parts["tool results"]) == (0, 0)
    assert parts["your messages"] > 0


def test_the_shares_add_up_to_what_is_used():
    talk = Conversation(Narrow([]), system="You are Ally.", tools=[NoteTool()], messages=history())
    assert abs(sum(share.tokens for share in shares(talk)) - used(talk)) <= len(shares(talk))
