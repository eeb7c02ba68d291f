"""A session as people read it: what was said, each call of a tool with its result, and what happened besides."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Image,
    JsonObject,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
)
from ally.sessions.entries import Entry
from ally.sessions.masking import mask_json


@dataclass(frozen=True, slots=True)
class Said:
    """Words of the user or of the model (`role` is user or assistant)."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """What the model thought."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was shown to the model."""

    image: Image


@dataclass(slots=True)
class Called:
    """A call of a tool; `result` is None while there is none. `arguments` is JSON, or what the model wrote."""

    id: str
    name: str
    arguments: str
    result: str | None = None
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is no message."""

    text: str


Item = Said | Thought | Picture | Called | Fact


def transcript(entries: Iterable[Entry], clean: Callable[[str], str]) -> list[Item]:
    """The items of a session in order; every text went through `clean`."""
    items: list[Item] = []
    for entry in entries:
        if entry.problem:
            items.append(Fact(clean(f"An entry ({entry.kind}) could not be read: {entry.problem}")))
        elif entry.message is not None:
            _add(items, entry.message, clean)
        else:
            _add_fact(items, entry, clean)
    return items


def _add(items: list[Item], message: Message, clean: Callable[[str], str]) -> None:
    match message:
        case UserMessage(parts):
            items += [Picture(part) if isinstance(part, Image) else Said("user", clean(part.text)) for part in parts]
        case AssistantMessage():
            items += [_item(part, clean) for part in message.shown_parts]
        case ToolMessage(results):
            for result in results:
                _answer(items, result, clean)


def _item(part: Text | Thinking | ToolCall | BadToolCall, clean: Callable[[str], str]) -> Item:
    match part:
        case Text(text):
            return Said("assistant", clean(text))
        case Thinking(text, redacted=redacted):
            return Thought("(hidden by the service)" if redacted else clean(text))
        case ToolCall(id, name, args):
            shown = json.dumps(
                mask_json(args, clean), ensure_ascii=False, indent=2
            )  # quotes in a key are not yet escaped
            return Called(id, clean(name), clean(shown))
        case BadToolCall(id, name, raw, problem):
            return Called(id, clean(name), clean(raw), clean(problem), is_error=True)


def _answer(items: list[Item], result: ToolResult, clean: Callable[[str], str]) -> None:
    text = clean(result.for_model or result.for_user)
    for item in reversed(items):
        if isinstance(item, Called) and item.id == result.call_id and (item.result is None or item.is_error):
            item.result, item.is_error = text, result.is_error
            break
    else:
        items.append(Called(result.call_id, clean(result.name), "", text, result.is_error))
    items += [Picture(image) for image in result.images]


def _add_fact(items: list[Item], entry: Entry, clean: Callable[[str], str]) -> None:
    match entry.kind:
        case "retract":
            items.append(Fact("The message before was taken back."))
        case "compact":
            items.append(Fact("The conversation was summarised; the model goes on from this:"))
            for message in entry.messages:
                _add(items, message, clean)
        case "rewind":
            items.append(Fact("The user went back to here; what had come after is left out."))
        case "fork":
            items.append(Fact(clean(f"Forked from session {entry.data.get('of')}.")))
        case _:
            items.append(Fact(clean(_note(entry.kind, entry.data))))


def _note(kind: str, data: JsonObject) -> str:
    details = data.get("data")
    shown = json.dumps(details, ensure_ascii=False) if details else ""
    return f"{data.get('kind', kind)} {shown}".strip()
