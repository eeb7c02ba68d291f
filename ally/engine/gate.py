"""The gate that every call passes: the policy decides, and where it asks, the user does."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ally.events import Question
from ally.messages import JsonObject, ToolCall
from ally.permissions.action import Action, Decision, Scope


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user said to a question; `message` is told to the model when the call is refused.

    `edited` are arguments to run in place of those that were asked about: they are decided on anew, and `scope` is then
    once.
    """

    allowed: bool
    scope: Scope = "once"
    message: str = ""
    edited: JsonObject | None = None


class Asker(Protocol):
    """A front end that can ask."""

    async def ask(self, question: Question) -> Answer:
        """The user's answer. Whatever cannot be understood is a refusal."""
        ...


class Policy(Protocol):
    """Decides without asking; `ally.permissions.policy.Policy` is one."""

    def decide(self, action: Action) -> Decision:
        """Whether the call runs, does not, or is the user's to decide."""
        ...


class Answers(Protocol):
    """Where answers are kept; `ally.permissions.memory.Answers` is one."""

    def remember(self, rules: Sequence[str], scope: Scope) -> None:
        """Keep the answer "yes" for as long as `scope` says."""
        ...


@dataclass(slots=True)
class Gate:
    """Decides on the calls of one conversation. Without an asker what would be asked is denied.

    `sandbox` gives the name of what confines commands, and its tier.
    """

    policy: Policy
    answers: Answers
    asker: Asker | None = None
    sandbox: Callable[[], str] = lambda: ""

    async def ask(self, question: Question) -> Answer:
        """What the user says; without an asker, no."""
        return await self.asker.ask(question) if self.asker else Answer(allowed=False)


def digest(call: ToolCall) -> str:
    """What binds an answer to a call: the hash of the tool's name and of the exact arguments."""
    exact = json.dumps([call.name, call.args], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(exact.encode("ascii")).hexdigest()
