"""A conversation as models of a few hundred million weights can follow it: a request, and what came of it.

Told of tools, such a model imitates the calls that it sees instead of answering, and of a result it makes nonsense. So
it never sees either: what the tool gave is the answer.
"""

import re
from collections.abc import Sequence

from ally.messages import NO_WAY_ROUND, AssistantMessage, Message, Text, ToolMessage, ToolResult, UserMessage
from ally.providers.tool_calling.render import follow

MOST_CHARS = 2_000
"""The most of a result that is given as the answer; the user has seen the rest."""

_LINE_NUMBER = re.compile(r"^\d+\t", re.MULTILINE)


def write(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What was said, without calls and results."""
    written: list[Message] = []
    for message in messages:
        match message:
            case UserMessage():
                follow(written, message)
            case AssistantMessage() if message.text.strip():
                follow(written, AssistantMessage((Text(message.text),)))
            case _:
                pass
    return tuple(written)


def answer_of(messages: Sequence[Message]) -> str:
    """What the tools gave, if they ran last; empty if the model has to speak."""
    last = messages[-1] if messages else None
    if not isinstance(last, ToolMessage):
        return ""
    text = "\n\n".join(_for_user(result) or "(nothing)" for result in last.results)
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS].rstrip()}\n…"


def _for_user(result: ToolResult) -> str:
    """The words of a result. The model would imitate the numbers before the lines of a file in all that it writes."""
    text = result.for_model.removesuffix(NO_WAY_ROUND).strip()
    return _LINE_NUMBER.sub("", text) if result.name == "read" and not result.is_error else text
