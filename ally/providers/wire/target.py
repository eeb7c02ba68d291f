"""Where a wire call goes and what is peculiar about the service there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ally.messages import JsonObject


@dataclass(frozen=True, slots=True)
class Quirks:
    """How an OpenAI-compatible service differs from OpenAI's own."""

    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_tokens"
    stream_usage: bool = True
    """Send `stream_options.include_usage`."""
    tools: bool = True
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"
    replay_thinking: Literal["none", "reasoning_content", "think_tags"] = "none"
    """How earlier thinking goes back to the service in a tool loop."""
    temperature: bool = True
    """Send the temperature; reasoning models of OpenAI refuse it."""
    images: bool = True


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
    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 120.0
    """Longest silence, before the first byte and between two."""
