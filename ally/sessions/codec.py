"""Messages as plain JSON and back: versioned, strict, and never anything that is run or imported.

Whatever a message holds is data: an object that looks like another library's dump stays the dictionary it is. What was
added since version 1 began (sources, citations) is written only where there is some, so that all other messages can be
read by an older Ally, and older ones by this.
"""

import json
from collections.abc import Sequence

import msgspec

from ally.errors import AllyError
from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Citation,
    Image,
    JsonObject,
    Message,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
)

VERSION = 1


class Undecodable(AllyError):
    """The JSON is no message of this version."""


class _Record(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, tag_field="type"):
    pass


class _Text(_Record, tag="text"):
    text: str


class _Thinking(_Record, tag="thinking"):
    text: str
    signature: str = ""
    redacted: bool = False


class _Image(_Record, tag="image"):
    data: bytes  # base64 in JSON
    media_type: str


class _ToolCall(_Record, tag="tool_call"):
    id: str
    name: str
    args: JsonObject
    signature: str = ""


class _BadToolCall(_Record, tag="bad_tool_call"):
    id: str
    name: str
    raw: str
    problem: str


class _Source(_Record, tag=False):
    number: int
    path: str
    line_start: int = 0
    line_end: int = 0
    label: str = ""
    collection: str = ""
    fingerprint: str = ""


class _Citation(_Record, tag=False):
    number: int
    path: str
    line_start: int = 0
    line_end: int = 0
    label: str = ""
    quote: str = ""
    is_found: bool = True


class _ToolResult(_Record, tag="tool_result"):
    call_id: str
    for_model: str
    for_user: str = ""
    is_error: bool = False
    name: str = ""
    images: tuple[_Image, ...] = ()
    sources: tuple[_Source, ...] = ()


class _Message(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, tag_field="role"):
    pass


class _User(_Message, tag="user"):
    parts: tuple[_Text | _Image, ...]
    context: str = ""
    sources: tuple[_Source, ...] = ()


class _Assistant(_Message, tag="assistant"):
    parts: tuple[_Text | _Thinking | _ToolCall | _BadToolCall, ...]
    shown: str = ""
    citations: tuple[_Citation, ...] = ()


class _Tool(_Message, tag="tool"):
    results: tuple[_ToolResult, ...]


_KINDS: dict[str, type[_User] | type[_Assistant] | type[_Tool]] = {
    "user": _User,
    "assistant": _Assistant,
    "tool": _Tool,
}


def encode(message: Message) -> JsonObject:
    """`message` as a JSON object with its version `v`; pictures are base64."""
    match message:
        case UserMessage(parts, context, sources):
            said = tuple(_Text(part.text) if isinstance(part, Text) else _image(part) for part in parts)
            record = _User(said, context, tuple(map(_noted, sources)))
        case AssistantMessage(parts, shown, citations):
            record = _Assistant(tuple(map(_said, parts)), shown, tuple(map(_cited, citations)))
        case ToolMessage(results):
            record = _Tool(tuple(_result(result) for result in results))
    return {"v": VERSION, **msgspec.to_builtins(record)}


def decode(value: object) -> Message:
    """The message that `encode` made `value` of.

    Raises:
        Undecodable: it is none, or of a newer version.
    """
    if not isinstance(value, dict):
        raise Undecodable("The entry is no JSON object.")
    fields: JsonObject = dict(value)  # pyright: ignore[reportUnknownArgumentType] - keys of JSON objects are str
    version = fields.pop("v", None)
    if type(version) is not int or version != VERSION:
        raise Undecodable(f"The entry has the version {version!r}; this Ally reads {VERSION}.")
    kind = _KINDS.get(str(fields.get("role")))
    if kind is None:
        raise Undecodable(f"The entry has the role {fields.get('role')!r}.")
    try:
        record = msgspec.convert(fields, kind)  # one class: a union would be analysed anew at every call
    except (msgspec.ValidationError, RecursionError) as exc:
        raise Undecodable(f"The entry is no message: {exc}.") from exc
    match record:
        case _User(parts, context, sources):
            said = tuple(_picture(part) if isinstance(part, _Image) else Text(part.text) for part in parts)
            return UserMessage(said, context, tuple(map(_source, sources)))
        case _Assistant(parts, shown, citations):
            return AssistantMessage(tuple(map(_spoken, parts)), shown, tuple(map(_citation, citations)))
        case _Tool(results):
            return ToolMessage(tuple(_given(result) for result in results))


def to_text(value: JsonObject) -> str:
    """`value` as JSON text that SQLite and UTF-8 can hold, halves of characters included."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def from_text(text: object) -> JsonObject:
    """The JSON object in `text`.

    Raises:
        Undecodable: there is none.
    """
    if not isinstance(text, str):
        raise Undecodable("The entry is no text.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise Undecodable(f"The entry is no JSON: {exc}.") from exc
    if not isinstance(value, dict):
        raise Undecodable("The entry is no JSON object.")
    return value  # pyright: ignore[reportUnknownVariableType] - keys of JSON objects are str


def decode_all(values: object) -> list[Message]:
    """The messages of a JSON list; those that cannot be read are left out."""
    messages: list[Message] = []
    for value in values if isinstance(values, list) else ():  # pyright: ignore[reportUnknownVariableType] - JSON
        try:
            messages.append(decode(value))  # pyright: ignore[reportUnknownArgumentType] - JSON
        except Undecodable:
            continue
    return messages


def encode_all(messages: Sequence[Message]) -> list[JsonObject]:
    """The messages as JSON objects."""
    return [encode(message) for message in messages]


def _said(part: Text | Thinking | ToolCall | BadToolCall) -> _Text | _Thinking | _ToolCall | _BadToolCall:
    match part:
        case Text(text):
            return _Text(text)
        case Thinking(text, signature, redacted):
            return _Thinking(text, signature, redacted)
        case ToolCall(id, name, args, signature):
            return _ToolCall(id, name, args, signature)
        case BadToolCall(id, name, raw, problem):
            return _BadToolCall(id, name, raw, problem)


def _spoken(part: _Text | _Thinking | _ToolCall | _BadToolCall) -> Text | Thinking | ToolCall | BadToolCall:
    match part:
        case _Text(text):
            return Text(text)
        case _Thinking(text, signature, redacted):
            return Thinking(text, signature, redacted)
        case _ToolCall(id, name, args, signature):
            return ToolCall(id, name, args, signature)
        case _BadToolCall(id, name, raw, problem):
            return BadToolCall(id, name, raw, problem)


def _result(result: ToolResult) -> _ToolResult:
    images, sources = tuple(map(_image, result.images)), tuple(map(_noted, result.sources))
    return _ToolResult(result.call_id, result.for_model, result.for_user, result.is_error, result.name, images, sources)


def _given(result: _ToolResult) -> ToolResult:
    images, sources = tuple(map(_picture, result.images)), tuple(map(_source, result.sources))
    return ToolResult(result.call_id, result.for_model, result.for_user, result.is_error, result.name, images, sources)


def _image(image: Image) -> _Image:
    return _Image(image.data, image.media_type)


def _picture(image: _Image) -> Image:
    return Image(image.data, image.media_type)


def _noted(one: Source) -> _Source:
    return _Source(one.number, one.path, one.line_start, one.line_end, one.label, one.collection, one.fingerprint)


def _source(one: _Source) -> Source:
    return Source(one.number, one.path, one.line_start, one.line_end, one.label, one.collection, one.fingerprint)


def _cited(one: Citation) -> _Citation:
    return _Citation(one.number, one.path, one.line_start, one.line_end, one.label, one.quote, one.is_found)


def _citation(one: _Citation) -> Citation:
    return Citation(one.number, one.path, one.line_start, one.line_end, one.label, one.quote, one.is_found)
