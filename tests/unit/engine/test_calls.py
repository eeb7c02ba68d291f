"""The calls of one answer: what runs side by side, what is asked, what is captured, and what an interruption leaves."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ally.checkpoints import Change
from ally.engine.conversation import Conversation
from ally.engine.gate import Answer, Gate
from ally.engine.loop import send
from ally.events import (
    Event,
    Notice,
    PermissionAsked,
    PermissionDenied,
    Question,
    ToolFinished,
    ToolProgress,
    ToolRequested,
    TurnFinished,
    TurnInterrupted,
    check_order,
)
from ally.messages import JsonObject, Message, ToolCall, ToolMessage, ToolSpec, user
from ally.permissions.action import Action, Allow, Ask, Decision, Deny, Grant, Kind, Scope
from ally.providers.model import Done, TextChunk
from ally.tools.base import Run, ToolOutput
from tests.scripted import ScriptedModel

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@dataclass
class Worker:
    """A tool that notes when it starts and ends."""

    name: str
    kind: Kind
    log: list[str]
    pause_s: float = 0.01
    grants: list[Grant] = field(default_factory=list)

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, "Work.", SCHEMA)

    def action(self, args: JsonObject) -> Action:
        return Action(self.name, self.kind, subject=f"n={args['n']}", paths=(Path("/x") / str(args["n"]),))

    def preview(self, args: JsonObject) -> str:
        return f"-{args['n']}"

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        self.grants.append(run.grant)
        self.log.append(f"start {args['n']}")
        try:
            run.progress(f"working on {args['n']}")
            await asyncio.sleep(self.pause_s)
        finally:
            self.log.append(f"end {args['n']}")
        return ToolOutput(f"did {args['n']}")


@dataclass
class Rules:
    """A policy that answers as told, and remembers what it was told to remember."""

    answer: Callable[[Action], Decision]
    remembered: list[tuple[tuple[str, ...], Scope]] = field(default_factory=list)

    def decide(self, action: Action) -> Decision:
        return self.answer(action)

    def remember(self, rules: Sequence[str], scope: Scope) -> None:
        self.remembered.append((tuple(rules), scope))


@dataclass
class User:
    """Answers questions, and keeps them."""

    answer: Answer | None
    asked: list[Question] = field(default_factory=list)
    shown: list[Event] = field(default_factory=list)
    seen_before_answer: list[int] = field(default_factory=list)

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        self.seen_before_answer.append(len(self.shown))
        if self.answer is None:
            await asyncio.Event().wait()
        return self.answer


class Kept:
    """A log in memory."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def append(self, message: Message) -> None:
        self.messages.append(message)

    def retract(self) -> None:
        self.messages.pop()

    def compact(self, messages: Sequence[Message]) -> None:
        self.messages = list(messages)


@dataclass(frozen=True)
class Captured:
    call_id: str
    notices: tuple[str, ...] = ()


class Snapshots:
    """Notes what is captured and recorded."""

    def __init__(self, log: list[str], notices: tuple[str, ...] = (), changes: tuple[Change, ...] = ()) -> None:
        self._log = log
        self._notices = notices
        self._changes = changes

    def capture(self, call_id: str, paths: Sequence[Path] | None) -> Captured:
        self._log.append(f"capture {call_id}")
        return Captured(call_id, self._notices)

    def record(self, captured: Captured) -> tuple[Change, ...]:
        self._log.append(f"record {captured.call_id}")
        return self._changes


def yes(action: Action) -> Decision:
    return Allow("test", "fine")


def ask(action: Action) -> Decision:
    return Ask("test", "it writes", ("once", "session"), ("work(*)",), Grant(git=True))


def calls(*pairs: tuple[str, int]) -> list:
    return [*(ToolCall(f"c{n}", name, {"n": n}) for name, n in pairs), Done("tool_calls")]


def conversation(log: list[str], policy: Rules, *pairs: tuple[str, int], asker: User | None = None) -> Conversation:
    model = ScriptedModel([calls(*pairs), [TextChunk("done"), Done("end")]])
    tools = [Worker("look", "read", log), Worker("work", "write", log), Worker("idle", "none", log)]
    return Conversation(model, tools=tools, gate=Gate(policy, policy, asker), log=Kept())


async def play(talk: Conversation, shown: list[Event] | None = None) -> list[Event]:
    events = shown if shown is not None else []
    async for event in send(talk, user("go")):
        events.append(event)
    check_order(events)
    return events


async def test_calls_that_only_look_run_side_by_side_and_those_that_change_alone():
    log: list[str] = []
    talk = conversation(log, Rules(yes), ("look", 1), ("look", 2), ("work", 3), ("look", 4))
    await play(talk)
    assert log.index("start 2") < log.index("end 1")
    assert max(log.index("end 1"), log.index("end 2")) < log.index("start 3")
    assert log.index("end 3") < log.index("start 4")
    assert [result.for_model for result in talk.messages[2].results] == ["did 1", "did 2", "did 3", "did 4"]


async def test_more_looks_than_may_run_at_once_all_run():
    log: list[str] = []
    talk = conversation(log, Rules(yes), *[("look", n) for n in range(20)])
    events = await play(talk)
    assert len([event for event in events if isinstance(event, ToolFinished)]) == 20


async def test_progress_comes_between_request_and_end():
    events = await play(conversation([], Rules(yes), ("work", 1)))
    named = [type(event).__name__ for event in events]
    assert named.index("ToolRequested") < named.index("ToolProgress") < named.index("ToolFinished")
    assert ToolProgress("c1", "working on 1") in events


async def test_a_question_is_asked_when_everything_before_it_was_shown():
    asker = User(Answer(allowed=True))
    talk = conversation([], Rules(ask), ("work", 1), asker=asker)
    await play(talk, asker.shown)
    place = next(n for n, event in enumerate(asker.shown) if isinstance(event, PermissionAsked))
    assert asker.seen_before_answer == [place + 1]
    question = asker.asked[0]
    assert (question.call.args, question.subject, question.preview) == ({"n": 1}, "n=1", "-1")
    assert (question.scopes, question.remember) == (("once", "session"), ("work(*)",))


async def test_yes_for_the_session_is_remembered_and_runs_with_what_was_granted():
    policy = Rules(ask)
    talk = conversation([], policy, ("work", 1), asker=User(Answer(allowed=True, scope="session")))
    await play(talk)
    assert policy.remembered == [(("work(*)",), "session")]
    assert talk.tools[1].grants == [Grant(git=True)]


async def test_a_scope_that_was_not_offered_is_not_remembered():
    policy = Rules(ask)
    await play(conversation([], policy, ("work", 1), asker=User(Answer(allowed=True, scope="always"))))
    assert policy.remembered == []


async def test_no_with_a_reason_is_told_to_the_model_and_nothing_runs():
    log: list[str] = []
    talk = conversation(log, Rules(ask), ("work", 1), asker=User(Answer(allowed=False, message="use the other file")))
    events = await play(talk)
    assert log == []
    assert "use the other file" in talk.messages[2].results[0].for_model
    denied = next(event for event in events if isinstance(event, PermissionDenied))
    assert denied.call.id == "c1"


@pytest.mark.parametrize("policy", [Rules(ask), Rules(lambda action: Deny("deny work", "no writing today"))])
async def test_with_nobody_to_ask_what_is_not_allowed_is_denied(policy: Rules):
    log: list[str] = []
    talk = conversation(log, policy, ("work", 1))
    events = await play(talk)
    assert log == []
    assert talk.messages[2].results[0].is_error
    assert any(isinstance(event, PermissionDenied) for event in events)


async def test_arguments_changed_after_the_question_do_not_run():
    log: list[str] = []

    class Swapping(User):
        async def ask(self, question: Question) -> Answer:
            question.call.args["n"] = 666
            return Answer(allowed=True)

    talk = conversation(log, Rules(ask), ("work", 1), asker=Swapping(None))
    await play(talk)
    assert log == []


async def test_without_a_gate_only_what_touches_nothing_runs():
    log: list[str] = []
    talk = conversation(log, Rules(yes), ("look", 1), ("work", 2), ("idle", 3))
    talk.gate = None
    await play(talk)
    assert log == ["start 3", "end 3"]


async def test_what_changes_files_is_captured_before_and_recorded_after():
    log: list[str] = []
    talk = conversation(log, Rules(yes), ("look", 1), ("work", 2))
    talk.checkpoints = Snapshots(log)
    await play(talk)
    assert log == ["start 1", "end 1", "capture c2", "start 2", "end 2", "record c2"]


async def test_what_cannot_be_undone_is_told():
    changes = (
        Change(Path("/p/node_modules"), "changed", "changed and is not restored"),
        Change(Path("/p/a"), "created", ""),
    )
    talk = conversation([], Rules(yes), ("work", 2))
    talk.checkpoints = Snapshots([], ("Too many files.",), changes)
    told = [event.text for event in await play(talk) if isinstance(event, Notice)]
    assert told == ["Too many files.", "/p/node_modules: changed and is not restored"]


async def test_an_interrupted_change_is_recorded_and_every_call_has_a_result_in_history_and_log():
    log: list[str] = []
    talk = conversation(log, Rules(yes), ("look", 1), ("work", 2), ("look", 3))
    talk.tools[1].pause_s = 60
    talk.checkpoints = Snapshots(log)
    events = []
    async for event in send(talk, user("go")):
        events.append(event)
        if event == ToolProgress("c2", "working on 2"):
            talk.interrupt.request()
    check_order(events)
    assert isinstance(events[-1], TurnInterrupted)
    assert log[-2:] == ["end 2", "record c2"]
    results = talk.messages[2].results
    assert [result.call_id for result in results] == ["c1", "c2", "c3"]
    assert [result.is_error for result in results] == [False, True, True]
    logged = [message for message in talk.log.messages if isinstance(message, ToolMessage)]
    assert sorted(one.results[0].call_id for one in logged) == ["c1", "c2", "c3"]


async def test_interrupting_at_a_question_runs_nothing_and_the_next_turn_works():
    log: list[str] = []
    talk = conversation(log, Rules(ask), ("work", 1), asker=User(None))
    async for event in send(talk, user("go")):
        if isinstance(event, PermissionAsked):
            asyncio.get_running_loop().call_later(0.01, talk.interrupt.request)
    assert log == []
    assert isinstance((await play(talk))[-1], TurnFinished)


async def test_a_result_is_in_the_log_before_it_is_shown():
    talk = conversation([], Rules(yes), ("work", 1), ("work", 2))
    async for event in send(talk, user("go")):
        if isinstance(event, ToolFinished):
            assert ToolMessage((event.result,)) in talk.log.messages


async def test_a_front_end_that_stops_reading_leaves_nothing_running():
    log: list[str] = []
    talk = conversation(log, Rules(yes), ("work", 1))
    talk.tools[1].pause_s = 60
    events = send(talk, user("go"))
    async for event in events:
        if isinstance(event, ToolRequested):
            await asyncio.sleep(0.02)
            break
    await events.aclose()
    assert log == ["start 1", "end 1"]
    assert len(asyncio.all_tasks()) == 1


async def test_a_fault_in_a_tool_is_a_result_that_names_the_place():
    class Broken(Worker):
        async def run(self, args: JsonObject, run: Run) -> ToolOutput:
            raise ZeroDivisionError("oops")

    talk = conversation([], Rules(yes), ("work", 1))
    talk.give([Broken("work", "write", [])])
    events = await play(talk)
    assert isinstance(events[-1], TurnFinished)
    text = talk.messages[2].results[0].for_model
    assert "ZeroDivisionError at test_calls.py:" in text
