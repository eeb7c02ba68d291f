"""`@path` in a message: the file goes along, as the tool that reads files would give it."""

import os
import re
from dataclasses import dataclass

from ally.engine.conversation import Conversation
from ally.engine.questions import question
from ally.engine.running import Ready
from ally.errors import ToolError, UsageError
from ally.messages import Image, Text, ToolCall, UserMessage
from ally.permissions.action import Allow, Ask, Deny, Grant
from ally.tools.base import Run, Tool

_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')
_PUNCTUATION = ".,;:!?)]}'\""


@dataclass(frozen=True, slots=True)
class _Attachment:
    path: str
    text: str
    images: tuple[Image, ...]


def mentioned(text: str) -> list[str]:
    """The paths of files that exist and that `text` names with an @; what is no file is a word like any other."""
    found: dict[str, None] = {}
    for quoted, plain in _MENTION.findall(text):
        for path in (quoted, plain, plain.rstrip(_PUNCTUATION)):
            if path and os.path.isfile(os.path.expanduser(path)):  # noqa: PTH111, PTH113 - Path raises for odd names
                found[path] = None
                break
    return list(found)


async def message_of(talk: Conversation, text: str) -> UserMessage:
    """What is said, with the files it names in its context and pictures as parts.

    Raises:
        UsageError: a file cannot go along; nothing is said then.
    """
    attached = [await _attach(talk, path) for path in mentioned(text)]
    context = "\n\n".join(f"[The user attached {one.path}:]\n{one.text}" for one in attached)
    return UserMessage((Text(text), *(image for one in attached for image in one.images)), context)


async def _attach(talk: Conversation, path: str) -> _Attachment:
    tool = next((tool for tool in talk.tools if tool.spec.name == "read"), None)
    if tool is None:
        raise UsageError(f"@{path}: this agent reads no files.", hint="choose another with /agent")
    call = ToolCall("attach", "read", {"path": path})
    try:
        output = await tool.run(call.args, Run(await _granted(talk, tool, call)))
    except ToolError as error:
        raise UsageError(f"@{path}: {error.message}", hint=error.hint) from error
    return _Attachment(path, output.for_model, output.images)


async def _granted(talk: Conversation, tool: Tool, call: ToolCall) -> Grant:
    """What reading may open; the same gate as for the model, so that a secret is not sent by mistake."""
    path = call.args["path"]
    if talk.gate is None:
        raise UsageError(f"@{path}: there are no permissions in this conversation.")
    action = tool.action(call.args)
    match talk.gate.policy.decide(action):
        case Allow(grant=grant):
            return grant
        case Ask() as ask:
            answer = await talk.gate.ask(question(Ready(call, tool, action, ask.grant), ask, talk.gate, ""))
            if answer.allowed and answer.edited is None:
                talk.gate.answers.remember(ask.remember, answer.scope)
                return ask.grant
            raise UsageError(f"@{path} was not attached: {ask.reason}.")
        case Deny(rule, reason):
            raise UsageError(f"@{path} was not attached: {reason} ({rule}).")
