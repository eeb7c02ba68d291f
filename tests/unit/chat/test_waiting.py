"""A silent model is spoken of once, and only while it is the model that is waited for."""

import asyncio

import pytest

from ally.chat.waiting import Waiting, silence
from ally.engine.conversation import Conversation
from ally.events import Event, TextDelta, ToolFinished, ToolRequested, TurnStarted
from ally.messages import ToolCall, ToolResult
from tests.scripted import ScriptedModel

STARTED = TurnStarted("ollama", "qwen3:8b")
ASKED = [ToolRequested(ToolCall(name, "read", {})) for name in ("1", "2")]
GIVEN = [ToolFinished(ToolResult(name, "", name="read")) for name in ("1", "2")]


@pytest.mark.parametrize(
    ("events", "times"),
    [
        ([STARTED], 1),
        ([STARTED, TextDelta("Hi")], 0),
        ([STARTED, ASKED[0]], 0),
        ([STARTED, *ASKED, GIVEN[1]], 0),
        ([STARTED, *ASKED, *GIVEN], 1),
    ],
)
async def test_silence_is_told_once_and_not_while_tools_run(events: list[Event], times: int):
    told: list[str] = []
    waiting = Waiting(lambda: told.append("told"), silent_s=0)
    for event in events:
        waiting.add(event)
    await asyncio.sleep(0.02)
    assert len(told) == times


async def test_nothing_is_told_after_the_end():
    told: list[str] = []
    waiting = Waiting(lambda: told.append("told"), silent_s=0)
    waiting.add(STARTED)
    waiting.stop()
    await asyncio.sleep(0.02)
    assert not told


def test_a_model_nearby_may_be_loading_or_reading():
    assert "loading, reading about" in silence(Conversation(ScriptedModel([])))
