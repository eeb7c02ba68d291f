"""A conversation: its model, its history, and how to stop it."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ally.engine.gate import Gate
from ally.engine.interrupt import Interrupt
from ally.engine.warmth import Meter
from ally.messages import (
    AssistantMessage,
    JsonObject,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    ToolSpec,
    UserMessage,
    joined,
)
from ally.providers.model import Model, Request
from ally.rag.citing.sources import Sources
from ally.rag.librarian import Librarian
from ally.tools.base import Tool
from ally.tools.compact import compact, for_tiny

if TYPE_CHECKING:
    from ally.checkpoints import Checkpoints
    from ally.engine.grounding import Grounding


COLLECTIONS = "knowledge"
"""The tool that searches collections."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may use; None is unlimited. `max_turns` counts calls of the model."""

    max_turns: int | None = None
    max_seconds: float | None = None


class Log(Protocol):
    """Where a conversation is kept; `ally.sessions.Session` is one. Nothing here raises: a disk may fill up."""

    def append(self, message: Message) -> None:
        """Keep one more message, or one more result of the calls before it."""
        ...

    def retract(self) -> None:
        """Forget the last message."""
        ...

    def compact(self, messages: Sequence[Message]) -> None:
        """From here on the history is `messages`."""
        ...


@dataclass(slots=True)
class Conversation:
    """What is said with one model; `ally.engine.loop.send` continues it.

    `messages` is the history. It only grows, but for `clear`, `compact`, `rewind` and a last message that was
    refused. `notes` is what the model is told with the next message: the date, what the user undid or ran.
    `used_tokens` is what the service counted for the first `counted_messages` messages, system prompt and tools
    included. `spill` is the folder for results that are too long. `offered` is what the model gets of `tools`.
    `sources` are the passages that answers may cite; the `librarian` finds them, and looks whether they are cited
    rightly. With `grounding` answers come from them.
    """

    model: Model
    system: str = ""
    tools: Sequence[Tool] = ()
    offered: Sequence[Tool] = field(init=False)
    json_schema: JsonObject | None = None
    limits: Limits = Limits()
    gate: Gate | None = None
    checkpoints: "Checkpoints | None" = None
    log: Log | None = None
    spill: Path | None = None
    librarian: Librarian | None = None
    grounding: "Grounding | None" = None
    sources: Sources = field(default_factory=Sources)
    messages: list[Message] = field(default_factory=list[Message])
    notes: list[str] = field(default_factory=list[str])
    interrupt: Interrupt = field(default_factory=Interrupt)
    meter: Meter = field(default_factory=Meter)
    used_tokens: int | None = None
    counted_messages: int = 0
    waiting: deque[UserMessage] = field(default_factory=deque[UserMessage])
    unanswered: int = 0

    def __post_init__(self) -> None:
        self.give(self.tools)

    def request(self) -> Request:
        """The next call of the model; each begins with all of the one before."""
        return self.request_for(self.messages)

    def request_for(self, messages: Sequence[Message]) -> Request:
        """A call with another history; what comes before the history is the same.

        With tools the schema has to wait for `form_request`: services do not take both.
        """
        tools = self.tool_specs()
        schema = None if tools else self.json_schema
        said = tuple(_for_model(message) for message in messages)
        return Request(messages=said, system=self.system, tools=tools, json_schema=schema)

    def form_request(self) -> Request:
        """A call that can only answer, as JSON of the schema."""
        said = tuple(_for_model(message) for message in self.messages)
        return Request(messages=said, system=self.system, json_schema=self.json_schema)

    def tool_specs(self) -> tuple[ToolSpec, ...]:
        """The tools the model is told about: none for one that cannot call any, or would rather than read passages."""
        profile = self.model.profile
        is_told = profile.tools and not (profile.is_tiny and self.grounding is not None)
        return tuple(tool.spec for tool in self.offered) if is_told else ()

    def give(self, tools: Sequence[Tool]) -> None:
        """Let the model work with `tools`, a small one with those that it can handle.

        It is decided once for a model, for its prompt must stay as it is. Collections are offered where there are any.
        """
        self.tools = tools
        profile = self.model.profile
        fitting = for_tiny(tools) if profile.is_tiny else compact(tools) if profile.is_small else tools
        has_collections = self.librarian is not None and self.librarian.is_ready()
        self.offered = [tool for tool in fitting if has_collections or tool.spec.name != COLLECTIONS]

    def renew_tools(self) -> bool:
        """Decide anew, for collections came or went: whether the tools changed, so that the prompt is read anew."""
        before = [tool.spec.name for tool in self.offered]
        self.give(self.tools)
        return before != [tool.spec.name for tool in self.offered]

    def queue(self, message: UserMessage) -> None:
        """Say `message` as soon as the running turn asks the model again; without a turn, with the next one."""
        self.waiting.append(message)

    def say(self, message: UserMessage) -> UserMessage:
        """Add what the user says, with the notes, to the message before if that got no answer.

        A remark in place of the missing answer would be there for the model to read, and small ones repeat it.
        """
        if self.notes:
            message = replace(message, context="\n\n".join([*filter(None, [message.context]), *self.notes]))
            self.notes.clear()
        if self.messages and isinstance(before := self.messages[-1], UserMessage):
            self.messages[-1] = joined(before, message)
        else:
            self.messages.append(message)
        self.unanswered += 1
        if self.log is not None:
            self.log.append(message)
        return message

    def answer(self, message: AssistantMessage) -> None:
        """Add what the model said."""
        self.messages.append(message)
        self.unanswered = 0
        if self.log is not None:
            self.log.append(message)

    def add_result(self, result: ToolResult) -> None:
        """Keep one result at once, for a crash may come before the others; `settle` puts them into the history."""
        if self.log is not None:
            self.log.append(ToolMessage((result,)))

    def settle(self, results: Sequence[ToolResult]) -> None:
        """Add the results of all calls of the last answer, in the order of the calls."""
        self.messages.append(ToolMessage(tuple(results)))

    def last_results(self) -> Sequence[ToolResult]:
        """The results of the last answer's calls."""
        last = self.messages[-1]
        return last.results if isinstance(last, ToolMessage) else ()

    def count(self, tokens: int) -> None:
        """Note what the service counted for the request and its answer, which is not in the history yet."""
        self.used_tokens = tokens
        self.counted_messages = len(self.messages) + 1

    def retract(self) -> None:
        """Take back what the user said last, which the service refused and would refuse again."""
        self.messages.pop()
        for _ in range(self.unanswered):
            if self.log is not None:
                self.log.retract()
        self.unanswered = 0

    def replace_history(self, messages: Sequence[Message]) -> None:
        """Go on with `messages` in place of everything before."""
        self.messages[:] = messages
        self._begin_anew()
        if self.log is not None:
            self.log.compact(messages)

    def change_model(self, model: Model, system: str) -> Model:
        """Go on with `model` and the system prompt for it; the model before is given back, still open.

        Thinking and signatures stay behind: a service refuses those of another one.
        """
        before, self.model, self.system = self.model, model, system
        self.give(self.tools)
        self.go_on(self.messages)
        return before

    def go_on(self, messages: Sequence[Message]) -> None:
        """Take over what was said before, perhaps with another model, which is in the log already."""
        self.messages[:] = [_portable(message) for message in messages]
        self._begin_anew()

    def rewind(self, history: Sequence[Message]) -> None:
        """Go back to `history`, which is in the log already.

        What is here of it stays the very same, so that the next request begins with bytes that the service has read.
        """
        mine = [*self.messages, *[None] * len(history)]
        self.messages[:] = [_kept(before, message) for before, message in zip(mine, history, strict=False)]
        self.unanswered = 0
        self._begin_anew()

    def clear(self) -> None:
        """Forget everything that was said."""
        self.messages.clear()
        self._begin_anew()

    def forget_counts(self) -> None:
        """What was counted was another history."""
        self.used_tokens = None
        self.meter.forget()

    def _begin_anew(self) -> None:
        """The history is another one."""
        self.forget_counts()
        self.sources = Sources.of(self.messages)


def _for_model(message: Message) -> Message:
    if isinstance(message, UserMessage) and message.context:
        return UserMessage((*message.parts, Text(message.context)))
    return message


def _kept(mine: Message | None, message: Message) -> Message:
    """`mine`, with its thinking, if it is `message`."""
    theirs = _portable(message)
    return mine if mine is not None and _portable(mine) == theirs else theirs


def _portable(message: Message) -> Message:
    if not isinstance(message, AssistantMessage):
        return message
    parts = tuple(
        replace(part, signature="") if isinstance(part, ToolCall) else part
        for part in message.parts
        if not isinstance(part, Thinking)
    )
    return replace(message, parts=parts)
