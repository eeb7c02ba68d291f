"""Calls whose arguments the user changes before they run: decided on anew, told to the model, bound to the answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ally.engine.conversation import Conversation
from ally.engine.gate import Answer, Gate
from ally.events import CallEdited, Event, PermissionAsked, PermissionDenied, Question, ToolFinished, TurnInterrupted
from ally.messages import JsonObject, ToolCall
from ally.permissions.action import Action, Allow, Ask, Decision, Deny, Grant
from ally.providers.model import Done, TextChunk
from ally.tools.base import Run, ToolOutput
from tests.scripted import ScriptedModel
from tests.unit.engine.test_calls import Kept, Rules, Snapshots, Worker, play


def ask(action: Action) -> Decision:
    return Ask("test", "it writes", ("once", "session"), ("work(*)",), Grant(git=True))


@dataclass
class Script:
    """A user who gives one answer after the other."""

    answers: list[Answer | None]
    asked: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if answer is None:
            await asyncio.Event().wait()
            raise AssertionError
        return answer


@dataclass
class Stage:
    talk: Conversation
    user: Script
    policy: Rules
    log: list[str]
    events: list[Event] = field(default_factory=list)

    async def play(self) -> "Stage":
        await play(self.talk, self.events)
        return self

    @property
    def result(self) -> str:
        return self.talk.messages[2].results[0].for_model

    def of(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def stage(decide: Callable[[Action], Decision], *answers: Answer | None) -> Stage:
    log: list[str] = []
    policy, person = Rules(decide), Script(list(answers))
    call = ToolCall("c1", "work", {"n": 1})
    model = ScriptedModel([[call, Done("tool_calls")], [TextChunk("done"), Done("end")]])
    talk = Conversation(model, tools=[Worker("work", "write", log)], gate=Gate(policy, policy, person), log=Kept())
    return Stage(talk, person, policy, log)


def edit(**args: object) -> Answer:
    return Answer(True, edited=args)


async def test_what_the_user_wrote_runs_once_and_the_model_reads_what_was_changed() -> None:
    it = await stage(ask, edit(n=2)).play()
    assert it.log == ["start 2", "end 2"]
    assert len(it.user.asked) == 1
    assert it.result == "[The user changed this call before it ran: n is 2]\ndid 2"
    assert it.of(CallEdited) == [CallEdited(ToolCall("c1", "work", {"n": 2}))]
    assert it.talk.messages[1].parts[0].args == {"n": 1}
    assert it.of(ToolFinished)[0].result.for_model == it.result
    assert it.talk.log.messages[2].results[0].for_model == it.result
    assert it.policy.remembered == []


async def test_checkpoints_capture_what_the_edited_call_touches() -> None:
    it = stage(ask, edit(n=2))
    captured: list[list[str]] = []

    class Paths(Snapshots):
        def capture(self, call_id, paths):
            captured.append([str(path) for path in paths])
            return super().capture(call_id, paths)

    it.talk.checkpoints = Paths([])
    await it.play()
    assert captured == [["/x/2"]]


async def test_a_rule_that_denies_the_edited_call_stays_a_no_and_the_question_comes_back_with_it() -> None:
    def decide(action: Action) -> Decision:
        return Deny("deny work", "not today") if action.subject == "n=2" else ask(action)

    it = await stage(decide, edit(n=2), Answer(True)).play()
    assert [question.problem for question in it.user.asked] == ["", "Not allowed: not today."]
    assert it.user.asked[1].call.args == {"n": 1}
    assert it.log == ["start 1", "end 1"]
    assert it.of(CallEdited) == []
    assert it.result == "did 1"


@pytest.mark.parametrize("args", [{"n": "two"}, {}, {"m": 1}])
async def test_arguments_that_fit_no_schema_do_not_run(args: dict[str, object]) -> None:
    it = await stage(ask, Answer(True, edited=args), Answer(False)).play()
    assert "Wrong arguments for work" in it.user.asked[1].problem
    assert it.log == []


@pytest.mark.parametrize(
    "other",
    [
        Ask("protected", "it writes"),
        Ask("test", "it writes; it wants the network"),
        Ask("test", "it writes", grant=Grant(network=True)),
    ],
)
async def test_what_goes_further_than_what_was_shown_is_asked_about(other: Ask) -> None:
    it = stage(lambda action: other if action.subject == "n=2" else ask(action), edit(n=2), Answer(True))
    await it.play()
    assert [question.call.args for question in it.user.asked] == [{"n": 1}, {"n": 2}]
    assert it.user.asked[1].preview == "-2"
    assert it.user.asked[0].arguments_sha256 != it.user.asked[1].arguments_sha256
    assert it.log == ["start 2", "end 2"]
    assert len(it.of(CallEdited)) == 1


async def test_what_goes_less_far_or_is_allowed_runs_without_another_question() -> None:
    asked = Ask("test", "it writes; it wants the network", grant=Grant(network=True))
    for other in (Ask("test", "it writes"), Allow("rule", "fine")):
        it = stage(lambda action, other=other: other if action.subject == "n=2" else asked, edit(n=2))
        await it.play()
        assert it.log == ["start 2", "end 2"]
        assert len(it.user.asked) == 1


async def test_no_to_the_edited_call_runs_nothing() -> None:
    other = Ask("test", "it does more")
    it = stage(lambda action: other if action.subject == "n=2" else ask(action), edit(n=2), Answer(False))
    await it.play()
    assert it.log == []
    assert it.of(PermissionDenied)[0].call.args == {"n": 2}


async def test_changing_it_again_and_again_ends() -> None:
    reasons = iter(range(1000))
    it = stage(lambda action: Ask("test", f"reason {next(reasons)}"), edit(n=2))
    await it.play()
    assert it.log == []
    assert len(it.of(PermissionAsked)) == 20


async def test_arguments_that_a_front_end_changes_after_its_answer_do_not_run() -> None:
    args = {"n": 2}

    def decide(action: Action) -> Decision:
        if action.subject == "n=2":
            args["n"] = 666
        return ask(action)

    it = await stage(decide, Answer(True, edited=args)).play()
    assert it.log == ["start 2", "end 2"]


async def test_an_edited_call_that_is_interrupted_says_what_was_changed() -> None:
    it = stage(ask, edit(n=2))

    class Stopped(Worker):
        async def run(self, args: JsonObject, run: Run) -> ToolOutput:
            it.talk.interrupt.request()
            return await super().run(args, run)

    it.talk.give([Stopped("work", "write", it.log, pause_s=60)])
    await it.play()
    assert it.of(TurnInterrupted)
    assert it.result.startswith("[The user changed this call before it ran: n is 2]\n")


async def test_a_question_says_what_the_call_may_do() -> None:
    it = await stage(ask, Answer(False)).play()
    assert it.user.asked[0].rule == "test"
    assert it.user.asked[0].touches == ("writes /x/1",)
