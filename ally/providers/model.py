"""The `Model` port: the one shape every road to a model has."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ally.messages import BadToolCall, JsonObject, Message, ToolCall, ToolSpec

__all__ = [
    "BadToolCall",
    "Chunk",
    "Done",
    "FactSource",
    "Model",
    "Profile",
    "Request",
    "StopReason",
    "TextChunk",
    "ThinkingChunk",
    "ToolCall",
    "ToolSpec",
    "Usage",
]

FactSource = Literal["measured", "server", "catalogue", "user", "guess"]
StopReason = Literal["end", "tool_calls", "length", "stop_sequence", "refused"]


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a model.

    `tool_choice` is "auto", "none", "required" or the name of the one tool to call. `json_schema` asks for an answer
    that is one JSON value of that schema; it is not combined with tools. `purpose` is written to the egress ledger.
    """

    messages: Sequence[Message]
    system: str = ""
    tools: Sequence[ToolSpec] = ()
    tool_choice: str = "auto"
    json_schema: JsonObject | None = None
    purpose: str = "chat"


@dataclass(frozen=True, slots=True)
class TextChunk:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingChunk:
    """More of the thinking; a non-empty `signature` closes the thinking block it belongs to."""

    text: str
    signature: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one call as the service reports them; `input_tokens` includes the cached ones."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
        )


@dataclass(frozen=True, slots=True)
class Done:
    """The service said that the answer is complete; always the last chunk. `usage` is None if it reported none."""

    stop_reason: StopReason
    usage: Usage | None = None


Chunk = TextChunk | ThinkingChunk | ToolCall | BadToolCall | Done


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a model before the first call, and from where."""

    provider: str
    model: str
    location: Literal["local", "lan", "cloud"] = "cloud"
    context_window: int | None = None
    context_window_source: FactSource = "guess"
    tools: bool = True
    images: bool = False
    streaming: bool = True
    road: Literal["fast", "guide"] = "fast"


class Model(Protocol):
    """A model that is ready to be called.

    `stream` yields text, thinking and tool calls as they come and ends with exactly one `Done`. A tool call is yielded
    whole, after the service finished it: `ToolCall` when its argument text is strictly one JSON object, `BadToolCall`
    otherwise. A stream that ends without the service's own finish mark raises `CutStream`, and calls that were not
    finished by then are not yielded. One call is one attempt; retrying is the engine's part.

    Closing the iterator (`aclose`, or cancelling the task) closes the connection within 300 ms.

    Raises:
        ProviderError: one of its subclasses, see `ally.errors`.
    """

    @property
    def profile(self) -> Profile:
        """What is known of the model."""
        ...

    def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer."""
        ...

    async def close(self) -> None:
        """Give back connections; the model is not used afterwards."""
        ...
