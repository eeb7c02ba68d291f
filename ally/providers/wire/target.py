"""Where a wire call goes and what is peculiar about the service there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ally.messages import JsonObject
from ally.models.price import Price
from ally.providers.model import FactSource


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a service differs from the vendor whose format it speaks."""

    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_tokens"
    stream_usage: bool = True
    """Send `stream_options.include_usage`."""
    tools: bool = True
    structured: Literal["json_schema", "json_object", "tool", "none"] = "json_schema"
    """How to ask for JSON: by schema, by mode, by one forced tool (Anthropic format only), or in words."""
    replay_thinking: Literal["none", "reasoning_content", "think_tags"] = "none"
    """How earlier thinking goes back to the service in a tool loop."""
    temperature: bool = True
    """Send the temperature; reasoning models of OpenAI and newer Claude models refuse it."""
    images: bool = True
    assistant_after_tools: bool = False
    """A user may not speak right after a tool (Mistral)."""
    short_call_ids: bool = False
    """Ids of tool calls must be nine letters or digits (Mistral)."""


@dataclass(frozen=True, slots=True)
class Target:
    """One model at one service, with all that a call needs.

    `base_url` has no trailing slash and includes the version prefix, e.g. `https://api.openai.com/v1`. `options` are
    further request fields from `provider_options`, sent as they are. The key never shows in a repr.
    """

    provider: str
    model: str
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    temperature: float | None = None
    options: JsonObject = field(default_factory=dict[str, object])
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    quirks: Quirks = Quirks()
    context_window: int | None = None
    context_window_source: FactSource = "user"
    constrains: bool | None = None
    """Whether the service holds an answer to a JSON Schema; None: as `quirks.structured` says."""
    parameters: int | None = None
    """How many weights the model has, if that is known."""
    digest: str = ""
    """A name of the very weights and template, if the service has one."""
    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 120.0
    """Longest silence, before the first byte and between two."""
    streaming: bool = True
    """Ask for the answer piece by piece; if not, it comes as one chunk."""
    price: Price | None = None
    """What the service asks for this model, None if that is not known."""
    key_variable: str = ""
    """The environment variable that holds the key, for the hint when the service refuses it."""
