"""A conversation as models of a few hundred million weights can follow it: a request, and what came of it.

Told of tools, such a model imitates the calls that it sees instead of answering, and of a result it makes nonsense. So
it never sees either: what the tool gave is the answer.
"""

import re
from collections.abc import Sequence

from ally.messages import NO_WAY_ROUND, AssistantMessage, Message, ToolMessage, ToolResult, UserMessage
from ally.providers.tool_calling.render import follow
from ally.providers.wire.calls import find_calls

MOST_CHARS = 2_000
"""The most of a result that is given as the answer; the user has seen the rest."""

_LINE_NUMBER = re.compile(r"^\d+\t", re.MULTILINE)


def write(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What was said. Earlier requests that a call was made for are left out: the model would go on with them."""
    last = max((at for at, message in enumerate(messages) if isinstance(message, UserMessage)), default=0)
    written: list[Message] = []
    said: list[Message] = []
    for message in messages[:last]:
        if isinstance(message, UserMessage):
            _keep(written, said)
            said = []
        said.append(message)
    _keep(written, said)
    _keep(written, messages[last : last + 1])
    return tuple(written)


def answer_of(messages: Sequence[Message]) -> str:
    """What the tools gave, if they ran last; empty if the model has to speak."""
    last = messages[-1] if messages else None
    if not isinstance(last, ToolMessage):
        return ""
    text = "\n\n".join(_for_user(result) for result in last.results)
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS].rstrip()}\n…"


def _for_user(result: ToolResult) -> str:
    """The words of a result. The model would imitate the numbers before the lines of a file in all that it writes."""
    text = result.for_model.removesuffix(NO_WAY_ROUND).strip()
    if text in ("", "[no output]"):
        return "Done."
    return _LINE_NUMBER.sub("", text) if result.name == "read" and not result.is_error else text


def _keep(written: list[Message], said: Sequence[Message]) -> None:
    """Add a request and what was answered, if no tool ran for it."""
    if any(find_calls(message) or isinstance(message, ToolMessage) for message in said):
        return
    for message in said:
        if isinstance(message, UserMessage) or (isinstance(message, AssistantMessage) and message.text.strip()):
            follow(written, message)
