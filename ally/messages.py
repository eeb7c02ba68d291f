"""What is said: messages and their parts, as plain JSON-able data."""

from dataclasses import dataclass
from typing import Any, Literal

JsonObject = dict[str, Any]
"""A decoded JSON object. `Any` because JSON values have no better static type."""


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """What the model thought before it answered.

    `signature` is the service's opaque proof of the text (Anthropic, Gemini) and must be sent back unchanged;
    `redacted` means that `signature` is all there is.
    """

    text: str
    signature: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """A picture. `data` is the raw file, `media_type` e.g. `image/png`."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A complete call whose arguments were parsed strictly as one JSON object.

    `signature` is Gemini's thought signature of the call, to be sent back unchanged.
    """

    id: str
    name: str
    args: JsonObject
    signature: str = ""


@dataclass(frozen=True, slots=True)
class BadToolCall:
    """A call that must never run: its arguments are cut, are not JSON, or are no object.

    `raw` is the argument text as it came, `problem` what is wrong with it, for the model to read.
    """

    id: str
    name: str
    raw: str
    problem: str


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of a file that the model was given. `number` is its marker, the same for a whole session.

    Lines are 1-based and inclusive, 0 where the format has none; `label` is e.g. `page 3`. `fingerprint` tells whether
    the file still holds the passage (`ally.rag.citing.fingerprint`).
    """

    number: int
    path: str
    line_start: int = 0
    line_end: int = 0
    label: str = ""
    collection: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker of an answer after it was checked. `quote` are the words it rests on, "" for the whole passage.

    The place is that of the quote. Without `is_found` the source does not hold it, or there is no such source; then
    `path` may be "".
    """

    number: int
    path: str
    line_start: int = 0
    line_end: int = 0
    label: str = ""
    quote: str = ""
    is_found: bool = True


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back: one text for the model, an optional other one for the user, and pictures.

    `sources` are the passages in it that an answer may cite.
    """

    call_id: str
    for_model: str
    for_user: str = ""
    is_error: bool = False
    name: str = ""
    images: tuple[Image, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it. `parameters` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: JsonObject


UserPart = Text | Image
AssistantPart = Text | Thinking | ToolCall | BadToolCall


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What the user said. `context` is what Ally adds for the model: the date, what was undone; never shown as said.

    `sources` are the passages in `context` that an answer may cite.
    """

    parts: tuple[UserPart, ...]
    context: str = ""
    sources: tuple[Source, ...] = ()
    role: Literal["user"] = "user"

    @property
    def text(self) -> str:
        """The words of the user."""
        return "\n\n".join(part.text for part in self.parts if isinstance(part, Text))


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """What the model said, parts in the order in which they came.

    `parts` are its very words, which go back to it. `shown` is what the user saw in place of its text where that is
    something else: citations checked, those that were not found struck out, and a list of them at the end.
    """

    parts: tuple[AssistantPart, ...]
    shown: str = ""
    citations: tuple[Citation, ...] = ()
    role: Literal["assistant"] = "assistant"

    @property
    def text(self) -> str:
        """The answer without thinking and tool calls, in the model's very words."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def shown_text(self) -> str:
        """The answer as the user saw it."""
        return self.shown or self.text

    @property
    def shown_parts(self) -> tuple[AssistantPart, ...]:
        """The parts as the user saw them: where `shown` is set, all of it stands in place of the first text."""
        if not self.shown:
            return self.parts
        first = next((place for place, part in enumerate(self.parts) if isinstance(part, Text)), len(self.parts))
        rest = (part for part in self.parts[first:] if not isinstance(part, Text))
        return (*self.parts[:first], Text(self.shown), *rest)


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """The results of the calls of the assistant message just before, in the order of the calls."""

    results: tuple[ToolResult, ...]
    role: Literal["tool"] = "tool"


Message = UserMessage | AssistantMessage | ToolMessage


def user(text: str) -> UserMessage:
    """A user message of one text."""
    return UserMessage((Text(text),))


def assistant(text: str) -> AssistantMessage:
    """An assistant message of one text."""
    return AssistantMessage((Text(text),))


INTERRUPTED = "The user interrupted before this tool had finished."
"""The result of a call that was stopped, or whose result was lost."""

NO_WAY_ROUND = "It was not run. Do not try to get the same effect in another way."
"""The end of the result of a call that was not allowed: said to the model, never to the user."""


def joined(first: UserMessage, second: UserMessage) -> UserMessage:
    """Two messages of the user as one, where no answer stands between them."""
    match first.parts, second.parts:
        case (*before, Text(last)), (Text(following), *after):
            parts = (*before, Text(f"{last}\n\n{following}"), *after)
        case _:
            parts = (*first.parts, *second.parts)
    context = "\n\n".join(filter(None, (first.context, second.context)))
    return UserMessage(parts, context, (*first.sources, *second.sources))
