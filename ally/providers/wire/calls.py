"""Tool calls on the wire: ids, names, and arguments that arrive in pieces."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Image,
    JsonObject,
    Message,
    Text,
    ToolCall,
    ToolMessage,
    ToolResult,
)
from ally.providers.arguments import parse_call, refuse_cut

UNSEEN_IMAGE = "[an image that this model cannot see]"
MADE_UP = "ally_call_"
"""Begins the ids that Ally makes for services that give none."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_LONG_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_SHORT_ID = re.compile(r"[A-Za-z0-9]{9}")


@dataclass(slots=True)
class PendingCall:
    """A call whose argument text is still growing; a long one comes in a great many pieces."""

    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list[str])
    signature: str = ""
    problem: str = ""

    @property
    def raw(self) -> str:
        """The argument text so far."""
        return "".join(self.pieces)


class CallIds:
    """Gives every call of an answer an id that no call before it has, the service's own wherever possible."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._taken = {part.id for message in messages for part in find_calls(message)}
        self._number = 0

    def take(self, wanted: str) -> str:
        """`wanted` if it is new, else the next made-up id."""
        while not wanted or wanted in self._taken:
            self._number += 1
            wanted = f"{MADE_UP}{self._number}"
        self._taken.add(wanted)
        return wanted


def finish_calls(pending: Sequence[PendingCall], ids: CallIds, *, cut: bool) -> list[ToolCall | BadToolCall]:
    """The calls of an answer that the service finished; `cut` says that a limit or a filter ended it."""
    calls: list[ToolCall | BadToolCall] = []
    for one in pending:
        call_id = ids.take(one.id)
        if cut:
            calls.append(refuse_cut(call_id, one.name, one.raw))
        elif one.problem or not one.name:
            problem = one.problem or "The call has no tool name, so nothing ran. Name the tool to call."
            calls.append(BadToolCall(call_id, one.name, one.raw, problem))
        else:
            call = parse_call(call_id, one.name, one.raw)
            calls.append(replace(call, signature=one.signature) if isinstance(call, ToolCall) else call)
    return calls


def find_ambiguity(event: str) -> str:
    """Why no call in `event` can be trusted, e.g. two equal keys, of which decoding keeps one; empty if it can."""
    outer = parse_call("", "event", event)
    return outer.problem if isinstance(outer, BadToolCall) else ""


def pending_of_value(name: object, args: object, problem: str) -> PendingCall:
    """A call that came as JSON values and not as text."""
    raw = "" if args is None or args == {} else args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)
    return PendingCall(name=name if isinstance(name, str) else "", pieces=[raw], problem=problem)


def find_calls(message: Message) -> list[ToolCall | BadToolCall]:
    """The calls in `message`."""
    if not isinstance(message, AssistantMessage):
        return []
    return [part for part in message.parts if isinstance(part, ToolCall | BadToolCall)]


def call_args(call: ToolCall | BadToolCall) -> JsonObject:
    """The arguments to send back; of a bad call none, its result says what was wrong."""
    return call.args if isinstance(call, ToolCall) else {}


def call_name(call: ToolCall | BadToolCall) -> str:
    """The name as services accept it, also when the model made up an impossible one."""
    if _NAME.fullmatch(call.name):
        return call.name
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"_{call.name}")[:64] if call.name else "unnamed_tool"


def wire_id(call_id: str, *, short: bool = False) -> str:
    """The id as services accept it: kept if it fits, else derived from it."""
    if (_SHORT_ID if short else _LONG_ID).fullmatch(call_id):
        return call_id
    digest = hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()
    return digest[:9] if short else f"call_{digest[:24]}"


def result_text(result: ToolResult, *, images: bool = True) -> str:
    """The result as text for formats that cannot mark an error; without `images`, with words in place of pictures."""
    unseen = () if images else (UNSEEN_IMAGE,) * len(result.images)
    text = "\n\n".join((result.for_model, *unseen))
    return f"Error: {text}" if result.is_error and not text.lower().startswith("error") else text


def pictures_of(message: ToolMessage) -> tuple[Text | Image, ...]:
    """The pictures among the results, each after the name of its tool, for formats whose results are text only."""
    parts: list[Text | Image] = []
    for result in message.results:
        if result.images:
            parts += [Text(f"[from the tool {result.name or 'call'}]"), *result.images]
    return tuple(parts)


def names_of_calls(messages: Iterable[Message]) -> dict[str, str]:
    """Tool name by call id, for formats whose results name the tool."""
    return {call.id: call_name(call) for message in messages for call in find_calls(message)}
