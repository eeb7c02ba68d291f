"""A conversation: its model, its history, and how to stop it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ally.engine.interrupt import Interrupt
from ally.messages import AssistantMessage, JsonObject, Message, Text, Thinking, ToolCall, ToolSpec, UserMessage
from ally.providers.model import Model, Request
from ally.tools.base import Tool


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may use; None is unlimited. `max_turns` counts calls of the model."""

    max_turns: int | None = None
    max_seconds: float | None = None


@dataclass(slots=True)
class Conversation:
    """What is said with one model; `ally.engine.loop.send` continues it.

    `messages` is the history. It only grows, but for `clear` and a last message that got no answer.
    """

    model: Model
    system: str = ""
    tools: Sequence[Tool] = ()
    json_schema: JsonObject | None = None
    limits: Limits = Limits()
    messages: list[Message] = field(default_factory=list[Message])
    interrupt: Interrupt = field(default_factory=Interrupt)

    def request(self) -> Request:
        """The next call of the model."""
        return Request(
            messages=tuple(self.messages),
            system=self.system,
            tools=self.tool_specs(),
            json_schema=self.json_schema,
        )

    def tool_specs(self) -> tuple[ToolSpec, ...]:
        """The tools the model is told about: none for a model that cannot call any."""
        return tuple(tool.spec for tool in self.tools) if self.model.profile.tools else ()

    def say(self, message: UserMessage) -> None:
        """Add what the user says, to the message before if that got no answer.

        A remark in place of the missing answer would be there for the model to read, and small ones repeat it.
        """
        if self.messages and isinstance(before := self.messages[-1], UserMessage):
            self.messages[-1] = _joined(before, message)
        else:
            self.messages.append(message)

    def change_model(self, model: Model) -> Model:
        """Go on with `model`; the one before is given back, still open.

        Thinking and signatures stay behind: a service refuses those of another one.
        """
        before, self.model = self.model, model
        self.messages[:] = [_portable(message) for message in self.messages]
        return before

    def clear(self) -> None:
        """Forget everything that was said."""
        self.messages.clear()


def _joined(first: UserMessage, second: UserMessage) -> UserMessage:
    match first.parts, second.parts:
        case (*before, Text(last)), (Text(following), *after):
            return UserMessage((*before, Text(f"{last}\n\n{following}"), *after))
        case _:
            return UserMessage((*first.parts, *second.parts))


def _portable(message: Message) -> Message:
    if not isinstance(message, AssistantMessage):
        return message
    parts = tuple(
        replace(part, signature="") if isinstance(part, ToolCall) else part
        for part in message.parts
        if not isinstance(part, Thinking)
    )
    return AssistantMessage(parts)
