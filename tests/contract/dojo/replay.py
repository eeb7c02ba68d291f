"""Playing calls one after the other through the real engine, policy and gate."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from ally.config.settings import PermissionMode
from ally.engine.conversation import Conversation
from ally.engine.gate import Answer, Asker, Gate, digest
from ally.engine.loop import send
from ally.events import Event, PermissionAsked, PermissionDenied, Question, ToolFinished, TurnFinished, check_order
from ally.messages import ToolCall, user
from ally.permissions.memory import Answers
from ally.permissions.paths import Place
from ally.permissions.policy import Policy
from ally.providers.model import Done, TextChunk
from tests.contract.dojo.suites import Environment, Suite
from tests.contract.dojo.tools import Services
from tests.scripted import ScriptedModel


class User:
    """Agrees to each of the calls that were wanted once, known by their exact arguments, and to nothing else.

    With `for_long` the answers are given for as long as the questions offer.
    """

    def __init__(self, wanted: Iterable[ToolCall] = (), *, for_long: bool = False) -> None:
        self._wanted = Counter(map(digest, wanted))
        self._for_long = for_long

    async def ask(self, question: Question) -> Answer:
        if self._wanted[question.arguments_sha256] == 0:
            return Answer(allowed=False)
        self._wanted[question.arguments_sha256] -= 1
        return Answer(allowed=True, scope=question.scopes[-1] if self._for_long else "once")


@dataclass(frozen=True, slots=True)
class Setting:
    """Who works where: the folder and the home of a test, the mode, and who is asked (nobody without an asker)."""

    home: Path
    asker: Asker | None = None
    mode: PermissionMode = "ask"


@dataclass
class Replay:
    """What happened."""

    services: Services
    before: Environment
    calls: Sequence[ToolCall]
    answer: str
    events: list[Event] = field(default_factory=list)

    @property
    def asked(self) -> list[ToolCall]:
        """The calls that the user was asked about."""
        return [event.question.call for event in self.events if isinstance(event, PermissionAsked)]

    @property
    def denied(self) -> list[ToolCall]:
        """The calls that did not run."""
        return [event.call for event in self.events if isinstance(event, PermissionDenied)]

    @property
    def faults(self) -> list[str]:
        """What went wrong otherwise: calls that failed, a turn that ended early."""
        denied = {call.id for call in self.denied}
        results = [event.result for event in self.events if isinstance(event, ToolFinished)]
        failed = [result.for_model for result in results if result.is_error and result.call_id not in denied]
        missing = [] if len(results) == len(self.calls) else [f"{len(results)} results of {len(self.calls)} calls"]
        return failed + missing + ([] if self.events[-1] == TurnFinished("end") else [str(self.events[-1])])

    def has_seen(self, text: str) -> bool:
        """Whether a tool showed `text` to the model."""
        return any(isinstance(event, ToolFinished) and text in event.result.for_model for event in self.events)

    def fulfils(self, task: object) -> bool:
        """Whether the suite finds that the task, a user's or a stranger's, was done; its checks may change `before`."""
        is_users = hasattr(task, "utility")
        by_traces, by_state = (
            (task.utility_from_traces, task.utility) if is_users else (task.security_from_traces, task.security)
        )
        before, after = self.before, self.services.environment
        traces = [SimpleNamespace(function=call.name, args=call.args) for call in self.services.ran]
        found = by_traces(self.answer, before, after, traces)
        return by_state(self.answer, before, after) if found is None else found


async def replay(suite: Suite, environment: Environment, calls: Sequence[ToolCall], answer: str, at: Setting) -> Replay:
    """Let a model make each of `calls` in an answer of its own, whatever becomes of them, and end with `answer`."""
    services = Services(suite, environment, at.home / "work")
    done = Replay(services, environment.model_copy(deep=True), calls, answer)
    script = [[call, Done("tool_calls")] for call in calls]
    talk = Conversation(
        ScriptedModel([*script, [TextChunk(answer), Done("end")]]),
        tools=services.tools(),
        gate=_gate(services.root, at),
    )
    async for event in send(talk, user("Go on.")):
        done.events.append(event)
    check_order(done.events)
    return done


def calls_of(functions: Iterable[object], prefix: str = "c") -> list[ToolCall]:
    """Calls as AgentDojo writes them, as a model makes them."""
    return [ToolCall(f"{prefix}{n}", one.function, dict(one.args)) for n, one in enumerate(functions)]


def _gate(root: Path, at: Setting) -> Gate:
    root.mkdir(parents=True, exist_ok=True)
    answers = Answers(at.home / "state" / "permissions.json", root, lambda text: None)
    policy = Policy(Place(root, at.home), (), at.mode, confined=False, answers=answers.rules)
    return Gate(policy, answers, at.asker)
