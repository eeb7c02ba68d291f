"""Turns that get nowhere are stopped; turns that get somewhere are not."""

import pytest

from ally.engine import runaway
from ally.engine.conversation import Conversation
from ally.engine.loop import send
from ally.engine.runaway import MAX_CYCLES, MAX_FAILED_ROUNDS, MAX_SAME_CALLS, Runaway
from ally.events import Notice, TurnFinished, check_order
from ally.messages import ToolCall, ToolResult, user
from ally.providers.model import Done, TextChunk
from tests.scripted import NoteTool, ScriptedModel


def rounds_until_stop(names: list[str], results: list[str] | None = None, *, is_error: bool = False) -> int | None:
    watch = Runaway()
    for place, name in enumerate(names):
        text = results[place] if results else "same"
        call = ToolCall(f"c{place}", name, {"a": 1})
        if watch.add([call], [ToolResult(call.id, text, is_error=is_error)]):
            return place + 1
    return None


async def test_the_same_call_again_and_again_ends_the_turn_with_a_reason():
    script = [[ToolCall(f"c{n}", "note", {"text": "x"}), Done("tool_calls")] for n in range(50)]
    tool = NoteTool()
    talk = Conversation(ScriptedModel(script), tools=[tool])
    events = [event async for event in send(talk, user("go"))]
    check_order(events)
    assert events[-1] == TurnFinished("runaway")
    assert len(tool.calls) == MAX_SAME_CALLS
    assert any(isinstance(event, Notice) and "note" in event.text for event in events)


async def test_after_a_stop_the_next_message_goes_on():
    script = [[ToolCall("c", "note", {"text": "x"}), Done("tool_calls")]] * MAX_SAME_CALLS
    talk = Conversation(ScriptedModel([*script, [TextChunk("ok"), Done("end")]]), tools=[NoteTool()])
    [event async for event in send(talk, user("go"))]
    events = [event async for event in send(talk, user("do something else"))]
    assert events[-1] == TurnFinished("end")


@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_a_cycle_is_noticed(length: int):
    names = [str(n % length) for n in range(100)]
    assert rounds_until_stop(names) == length * MAX_CYCLES


def test_nothing_but_failures_is_noticed():
    names = [str(n) for n in range(100)]
    assert rounds_until_stop(names, names, is_error=True) == MAX_FAILED_ROUNDS


def test_waiting_for_something_that_changes_may_take_longer():
    results = [str(n) for n in range(15)]
    assert rounds_until_stop(["job"] * 15, results) is None


def test_300_steps_that_differ_are_work():
    names = [str(n) for n in range(300)]
    assert rounds_until_stop(names, names) is None


def test_edit_and_test_in_turn_is_work_while_the_results_differ():
    names = ["edit", "shell"] * 20
    assert rounds_until_stop(names, [str(n) for n in range(40)]) is None


def test_there_is_an_end_whatever_happens():
    names = [str(n) for n in range(runaway.MAX_ROUNDS + 10)]
    assert rounds_until_stop(names, names) == runaway.MAX_ROUNDS
