"""What a very small model may say next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ally.messages import AssistantMessage, Message, ToolCall, ToolMessage, ToolSpec, UserMessage
from ally.providers.tool_calling.tiny.decide import rate, values_of
from ally.providers.tool_calling.tiny.passages import paths
from ally.providers.tool_calling.tiny.recipes import Found
from ally.providers.tool_calling.tiny.restrict import properties, restrict
from ally.providers.tool_calling.tiny.router import ANSWER, router
from ally.providers.tool_calling.tiny.said import Said

MOST_TOOLS = 3
CLEAR = 0.03
"""How much better than all others a tool must suit to be the only one."""
LEAST = 0.2
"""A request that is less like any example than this wants no tool."""
MOST_FAILURES = 2
_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The tools that may be called, with the arguments that the user spoke of, and whether words are an answer too.

    There is always something to say: without tools, `may_answer` is true.
    """

    tools: tuple[ToolSpec, ...]
    may_answer: bool

    @property
    def must_call(self) -> bool:
        """Whether only a call is right."""
        return not self.may_answer


def narrow(tools: Sequence[ToolSpec], messages: Sequence[Message]) -> Narrowed:
    """What of `tools` the user's last words ask for, for a model that cannot choose itself.

    One request is one call: after a result only words follow, after an error one other call may. Equal messages give
    equal results; only the words of the user count.
    """
    at = max((at for at, message in enumerate(messages) if isinstance(message, UserMessage)), default=-1)
    if at < 0:
        return Narrowed(tuple(tools), may_answer=True)
    failed = _failed_calls(messages[at + 1 :])
    if not tools or failed is None or len(failed) >= MOST_FAILURES:
        return Narrowed((), may_answer=True)
    said = _listen(messages[: at + 1])
    found = values_of(tools, said)
    if failed:
        return _narrow_retry(tools, said, found, failed[-1])
    return _narrow_first(tools, said, found)


def _narrow_first(tools: Sequence[ToolSpec], said: Said, found: Mapping[str, Found]) -> Narrowed:
    rated = rate(router(), tools, said, found)
    best = next(iter(rated.values()))
    near = [name for name, value in rated.items() if value >= best - CLEAR][:MOST_TOOLS]
    if best < LEAST or near[0] == ANSWER:
        return Narrowed((), may_answer=True)
    chosen = tuple(restrict(tool, found[tool.name]) for name in near for tool in tools if tool.name == name)
    return Narrowed(chosen, may_answer=ANSWER in near)


def _narrow_retry(
    tools: Sequence[ToolSpec], said: Said, found: Mapping[str, Found], failed: ToolCall | None
) -> Narrowed:
    """The next best call besides the one that failed, or words about the failure."""
    left: list[ToolSpec] = []
    for tool in _narrow_first(tools, said, found).tools:
        if failed is None or tool.name != failed.name:
            left.append(tool)
            continue
        others = {name: _without(values, failed.args.get(name)) for name, values in found[tool.name].items()}
        again = restrict(tool, {name: values for name, values in others.items() if values})
        if properties(again.parameters) != properties(tool.parameters) and all(others.values()):
            left.append(again)
    return Narrowed(tuple(left), may_answer=True)


def _without(values: Sequence[object], tried: object) -> list[object]:
    """The values but the one that was tried; that one alone where there is no other."""
    return [value for value in values if value != tried] or [*values]


def _failed_calls(messages: Sequence[Message]) -> list[ToolCall | None] | None:
    """The calls since the user spoke, if all of them failed; None if one did what it should, or words were the answer.

    A call that could not be read is None in the list.
    """
    calls: dict[str, ToolCall] = {}
    failed: list[ToolCall | None] = []
    for message in messages:
        if isinstance(message, AssistantMessage):
            calls |= {part.id: part for part in message.parts if isinstance(part, ToolCall)}
        elif isinstance(message, ToolMessage):
            if not all(result.is_error for result in message.results):
                return None
            failed += [calls.get(result.call_id) for result in message.results]
    return failed


def _listen(messages: Sequence[Message]) -> Said:
    """The last request; what "it" may stand for is taken from those before."""
    spoken = [message.text for message in messages if isinstance(message, UserMessage)]
    correct = router().vocabulary.correct
    return Said(spoken[-1], correct, tuple(_mentioned(spoken[-1 - _REMEMBERED : -1])))


def _mentioned(spoken: Sequence[str]) -> Iterator[str]:
    """The files of earlier requests, the latest first."""
    for text in reversed(spoken):
        yield from paths(Said(text, str))
