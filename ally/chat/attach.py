"""`@path` in a message: the file goes along, as the tool that reads files would give it; of a folder, what is in it."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ally.chat import clipboard
from ally.engine.conversation import Conversation
from ally.engine.questions import question
from ally.engine.running import Ready
from ally.errors import ToolError, UsageError
from ally.messages import Image, Text, ToolCall, UserMessage
from ally.permissions.action import Allow, Ask, Deny, Grant
from ally.tools.base import Run, Tool

MAX_PICTURES = 20
MAX_PICTURE_BYTES = 18_000_000
"""Of all pictures of one message: as base64 still below what services take in one request."""

_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')
_PUNCTUATION = ".,;:!?)]}'\""
_LIKE_A_FILE = re.compile(r"[^/\s]*[\w-]\.[A-Za-z]\w{0,5}|(~|\.{1,2})?/.*|.*/", re.DOTALL)
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


@dataclass(frozen=True, slots=True)
class _Attachment:
    path: str
    text: str
    images: tuple[Image, ...]


def mentioned(text: str) -> list[str]:
    """The paths that exist and that `text` names with an @, folders with a `/` at the end; other words are words."""
    return list(dict.fromkeys(found for names in _named(text) if (found := _existing(names))))


def missing(text: str) -> list[str]:
    """What `text` names with an @ and looks like a file, but is not there: it goes along as a word only."""
    unknown = [names for names in _named(text) if not _existing(names)]
    # What was quoted has one reading, and was meant as a file.
    return list(dict.fromkeys(names[-1] for names in unknown if len(names) == 1 or _LIKE_A_FILE.fullmatch(names[-1])))


def _named(text: str) -> Iterator[tuple[str, ...]]:
    """For each @ what it may name, the likeliest first."""
    for quoted, plain in _MENTION.findall(text):
        yield (quoted,) if quoted else (plain, plain.rstrip(_PUNCTUATION))


def _existing(names: Sequence[str]) -> str | None:
    return next((name for name in names if name and _exists(os.path.expanduser(name))), None)  # noqa: PTH111 - as below


def _exists(path: str) -> bool:
    if path.endswith("/"):
        return os.path.isdir(path)  # noqa: PTH112 - Path raises for odd names
    return os.path.isfile(path)  # noqa: PTH113 - as above


async def message_of(talk: Conversation, text: str) -> UserMessage:
    """What is said, with the files it names in its context and pictures as parts.

    Raises:
        UsageError: a file cannot go along; nothing is said then.
    """
    attached = [await _attach(talk, path) for path in mentioned(text)]
    _hold_to_limits([image for one in attached for image in one.images])
    context = "\n\n".join(f"[The user attached {one.path}:]\n{one.text}" for one in attached)
    return UserMessage((Text(text), *(image for one in attached for image in one.images)), context)


def _hold_to_limits(images: Sequence[Image]) -> None:
    size = sum(len(image.data) for image in images)
    if len(images) > MAX_PICTURES or size > MAX_PICTURE_BYTES:
        raise UsageError(
            f"{len(images)} pictures with {size / 1e6:.1f} MB are too much for one message.",
            hint=f"at most {MAX_PICTURES} with {MAX_PICTURE_BYTES / 1e6:.0f} MB; send them in several",
        )


async def _attach(talk: Conversation, path: str) -> _Attachment:
    name = "list" if path.endswith("/") else "read"
    tool = next((tool for tool in talk.tools if tool.spec.name == name), None)
    if tool is None:
        raise UsageError(
            f"@{path}: this agent reads no {'folders' if name == 'list' else 'files'}.",
            hint="choose another with /agent",
        )
    call = ToolCall("attach", name, {"path": path})
    try:
        output = await tool.run(call.args, Run(await _granted(talk, tool, call)))
    except ToolError as error:
        is_unseen = path.lower().endswith(_PICTURES) and not talk.model.profile.images
        hint = "choose a model that sees with /model" if is_unseen else error.hint
        raise UsageError(f"@{path}: {error.message}", hint=hint) from error
    return _Attachment(path, output.for_model, output.images)


async def _granted(talk: Conversation, tool: Tool, call: ToolCall) -> Grant:
    """What reading may open; the same gate as for the model, so that a secret is not sent by mistake."""
    path = call.args["path"]
    if talk.gate is None:
        raise UsageError(f"@{path}: there are no permissions in this conversation.")
    action = tool.action(call.args)
    if clipboard.is_own(action.paths[0]):
        return Grant(paths=(action.paths[0].resolve(),))  # the user took it from the clipboard a moment ago
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
