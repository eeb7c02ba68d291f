"""Making a history that every model accepts out of whatever a crash, an interrupt or a damaged entry left behind."""

from collections.abc import Iterable

from ally.messages import (
    INTERRUPTED,
    AssistantMessage,
    BadToolCall,
    Message,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
    joined,
    user,
)

MISSING_BEGINNING = "(The beginning of this conversation could not be read.)"


def usable(messages: Iterable[Message]) -> list[Message]:
    """`messages` so that roles alternate, the user begins, and every call has exactly one result.

    Results that came one by one become one message in the order of the calls; a call without a result counts as
    interrupted, a result without a call is dropped. Neighbours of the same role are joined, empty ones left out.
    """
    history = _History()
    for message in messages:
        match message:
            case UserMessage():
                history.add_user(message)
            case AssistantMessage():
                history.add_assistant(message)
            case ToolMessage(results):
                history.add_results(results)
    history.settle()
    return history.messages


class _History:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._calls: list[ToolCall | BadToolCall] = []
        self._results: list[ToolResult | None] = []

    def add_user(self, message: UserMessage) -> None:
        if not message.parts and not message.context:
            return
        self.settle()
        if self.messages and isinstance(before := self.messages[-1], UserMessage):
            self.messages[-1] = joined(before, message)
        else:
            self.messages.append(message)

    def add_assistant(self, message: AssistantMessage) -> None:
        if not message.parts:
            return
        self.settle()
        if not self.messages:
            self.messages.append(user(MISSING_BEGINNING))
        if isinstance(before := self.messages[-1], AssistantMessage):
            self.messages[-1] = _together(before, message)
        else:
            self.messages.append(message)
        self._calls = [part for part in message.parts if isinstance(part, ToolCall | BadToolCall)]
        self._results = [None] * len(self._calls)

    def add_results(self, results: Iterable[ToolResult]) -> None:
        for result in results:
            for place, call in enumerate(self._calls):
                if call.id == result.call_id and self._results[place] is None:
                    self._results[place] = result
                    break

    def settle(self) -> None:
        """Close the calls of the last answer: what has no result by now will never have one."""
        if self._calls:
            pairs = zip(self._calls, self._results, strict=True)
            self.messages.append(ToolMessage(tuple(result or _interrupted(call) for call, result in pairs)))
        self._calls, self._results = [], []


def _together(first: AssistantMessage, second: AssistantMessage) -> AssistantMessage:
    shown = first.shown_text + second.shown_text if first.shown or second.shown else ""
    return AssistantMessage((*first.parts, *second.parts), shown, (*first.citations, *second.citations))


def _interrupted(call: ToolCall | BadToolCall) -> ToolResult:
    return ToolResult(call.id, INTERRUPTED, is_error=True, name=call.name)
