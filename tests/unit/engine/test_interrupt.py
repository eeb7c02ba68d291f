"""Stopping a turn at every moment: what runs ends, what was not begun does not begin, and the next turn works."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from ally.engine.conversation import Conversation, Limits
from ally.engine.gate import Answer, Gate
from ally.engine.interrupt import Interrupt, Interrupted, TimeUp
from ally.engine.loop import send
from ally.errors import Overloaded
from ally.events import (
    Compacted,
    Event,
    MessageFinished,
    Notice,
    PermissionAsked,
    TextDelta,
    ToolProgress,
    ToolRequested,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    check_order,
)
from ally.messages import ToolCall, ToolMessage, assistant, user
from ally.permissions.action import Action, Ask, Decision
from ally.providers.model import Done, Profile, TextChunk
from tests.scripted import HANG, ScriptedModel
from tests.unit.engine.test_calls import Kept, Rules, User, Worker, yes

CALL = [ToolCall("c1", "work", {"n": 1}), Done("tool_calls")]


def ask(action: Action) -> Decision:
    return Ask("test", "it writes")


def conversation(*script: list[object], decide: Callable[[Action], Decision] = yes, user: User | None = None):
    log: list[str] = []
    policy = Rules(decide)
    tools = [Worker("work", "write", log, pause_s=60)]
    talk = Conversation(ScriptedModel([*script]), tools=tools, gate=Gate(policy, policy, user), log=Kept())
    return talk, log


async def stop_at(talk: Conversation, kind: type[Event]) -> list[Event]:
    """The events of a turn that is stopped, by a key in the same loop, at the first event of a kind."""
    events: list[Event] = []
    async for event in send(talk, user("go")):
        if isinstance(event, kind) and not any(isinstance(one, kind) for one in events):
            talk.interrupt.request()
        events.append(event)
    check_order(events)
    return events


async def go_on(talk: Conversation) -> None:
    """The next turn works, on a history in which every call has its result."""
    for before, after in zip(talk.messages, talk.messages[1:], strict=False):
        calls = [part for part in getattr(before, "parts", ()) if isinstance(part, ToolCall)]
        assert not calls or (isinstance(after, ToolMessage) and len(after.results) == len(calls))
    talk.model = ScriptedModel([[TextChunk("fine"), Done("end")]])
    events = [event async for event in send(talk, user("and now?"))]
    check_order(events)
    assert isinstance(events[-1], TurnFinished)


@pytest.mark.parametrize("kind", [TurnStarted, TextDelta, MessageFinished, ToolRequested, ToolProgress])
async def test_at_every_event_it_stops_and_nothing_more_begins(kind: type[Event]) -> None:
    talk, log = conversation([TextChunk("a"), TextChunk("b"), *CALL], [HANG])
    events = await asyncio.wait_for(stop_at(talk, kind), 5)
    assert isinstance(events[-1], TurnInterrupted)
    assert log == ([] if kind in (TurnStarted, TextDelta, MessageFinished) else ["start 1", "end 1"])
    await go_on(talk)


async def test_a_stream_that_never_waits_is_stopped() -> None:
    talk, _ = conversation([*[TextChunk("x ") for _ in range(10_000)], Done("end")])
    events = await stop_at(talk, TextDelta)
    assert isinstance(events[-1], TurnInterrupted)
    assert len(events) < 10
    assert talk.messages[-1] == events[-1].partial


async def test_a_stream_that_never_waits_has_its_seconds() -> None:
    talk, _ = conversation([*[TextChunk("x ") for _ in range(10_000)], Done("end")])
    talk.limits = Limits(max_seconds=0.0)
    events = [event async for event in send(talk, user("go"))]
    assert events[-1] == TurnFinished("max_seconds")
    assert len(events) < 10


async def test_waiting_for_another_try_for_an_answer_and_for_a_summary_is_stopped() -> None:
    talk, _ = conversation([Overloaded("busy", provider="x", model="y")], [TextChunk("late"), Done("end")])
    assert isinstance((await asyncio.wait_for(stop_at(talk, Notice), 5))[-1], TurnInterrupted)
    await go_on(talk)

    class Small(ScriptedModel):
        @property
        def profile(self) -> Profile:
            return Profile("scripted", "s", location="local", tools=False, context_window=100)

    talk, _ = conversation()
    talk.model = Small([[HANG]])
    talk.messages[:] = [user("x" * 1000), assistant("y" * 1000)]
    events = await asyncio.wait_for(stop_at(talk, Notice), 5)
    assert isinstance(events[-1], TurnInterrupted)
    assert not [event for event in events if isinstance(event, Compacted)]


async def test_a_question_is_closed() -> None:
    person = User(None)
    talk, log = conversation(CALL, decide=ask, user=person)
    events = await asyncio.wait_for(stop_at(talk, PermissionAsked), 5)
    assert isinstance(events[-1], TurnInterrupted)
    assert log == []
    await go_on(talk)


async def test_an_answer_that_comes_with_the_stop_runs_nothing() -> None:
    class Both(User):
        async def ask(self, question: object) -> Answer:
            talk.interrupt.request()
            return Answer(True)

    talk, log = conversation(CALL, decide=ask, user=Both(None))
    events = [event async for event in send(talk, user("go"))]
    assert isinstance(events[-1], TurnInterrupted)
    assert log == []
    await go_on(talk)


async def test_what_was_asked_for_before_does_not_stop_the_next_turn() -> None:
    talk, _ = conversation([TextChunk("fine"), Done("end")])
    talk.interrupt.request()
    assert isinstance([event async for event in send(talk, user("go"))][-1], TurnFinished)


@dataclass
class Closing:
    """A stream that takes its time to close."""

    closed: list[str] = field(default_factory=list)

    async def items(self) -> AsyncIterator[int]:
        try:
            while True:
                await asyncio.sleep(0)
                yield 1
        finally:
            await asyncio.sleep(0.01)
            self.closed.append("closed")


async def test_nothing_is_left_running() -> None:
    interrupt, stream = Interrupt(), Closing()
    interrupt.start(None)
    with pytest.raises(Interrupted):
        async for _ in interrupt.each(stream.items()):
            interrupt.request()
    assert stream.closed == ["closed"]
    with pytest.raises(Interrupted):
        await interrupt.wait_for(asyncio.Event().wait())
    interrupt.start(0.0)
    with pytest.raises(TimeUp):
        await interrupt.sleep(10)
    assert len(asyncio.all_tasks()) == 1
