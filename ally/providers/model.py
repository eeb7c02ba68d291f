"""The `Model` port: the one shape every road to a model has."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ally.messages import BadToolCall, JsonObject, Message, ToolCall, ToolSpec
from ally.models.facts import SMALL_PARAMETERS, SMALL_WINDOW, TINY_PARAMETERS, FactSource
from ally.models.price import Price

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
    "ToolCalling",
    "ToolSpec",
    "Usage",
]

ToolCalling = Literal["native", "schema", "text"]
"""How a model calls tools: by its service's own field, as JSON held to a schema, or as text that Ally reads."""

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
    """Token counts of one call as the service reports them; `input_tokens` includes the cached ones.

    `reports_cache`: the service counts what it read from its cache, so that 0 cached tokens means none. The times are
    what the server itself measured for reading the prompt and writing the answer, None if it does not say.
    `cache_written_tokens` are those of the input that the service put into its cache, where it says so.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reports_cache: bool = False
    prefill_s: float | None = None
    generation_s: float | None = None
    cache_written_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            cache_written_tokens=self.cache_written_tokens + other.cache_written_tokens,
        )


@dataclass(frozen=True, slots=True)
class Done:
    """The service said that the answer is complete; always the last chunk. `usage` is None if it reported none."""

    stop_reason: StopReason
    usage: Usage | None = None


Chunk = TextChunk | ThinkingChunk | ToolCall | BadToolCall | Done


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a model, and from where. It may become better known with the calls.

    `tools`: it can be given tools, in the way that `tool_calling` names. `constrains`: the service can hold an answer
    to a JSON Schema. `parameters` counts weights, None where that is not known. `digest` names the very weights and
    template, for what was found out about them; empty where the service has no such name. `price` is what is known to
    be asked for it, None where nothing is known; what runs on this machine needs none.
    """

    provider: str
    model: str
    location: Literal["local", "lan", "cloud"] = "cloud"
    context_window: int | None = None
    context_window_source: FactSource = "guess"
    tools: bool = True
    tool_calling: ToolCalling = "native"
    constrains: bool = False
    images: bool = False
    streaming: bool = True
    road: Literal["fast", "guide"] = "fast"
    parameters: int | None = None
    digest: str = ""
    price: Price | None = None

    @property
    def is_small(self) -> bool:
        """Whether every token of the prompt counts: a model of at most 4 billion weights, or a window of 8k."""
        few = self.parameters is not None and self.parameters <= SMALL_PARAMETERS
        return few or (self.context_window is not None and self.context_window <= SMALL_WINDOW)

    @property
    def is_tiny(self) -> bool:
        """Whether the model has so few weights that it follows no instructions, and was not taught to call tools."""
        few = self.parameters is not None and self.parameters <= TINY_PARAMETERS
        return few and self.tool_calling == "schema"


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
