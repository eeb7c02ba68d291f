"""What the list of hosted models says of a model, for both roads."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlsplit

from ally.egress.location import classify
from ally.messages import JsonObject

if TYPE_CHECKING:
    from ally.models.hosted import HostedModel

T = TypeVar("T")

HOMES: Mapping[str, str] = {
    "ai21": "api.ai21.com",
    "anthropic": "api.anthropic.com",
    "cerebras": "api.cerebras.ai",
    "cohere": "api.cohere.ai",
    "deepseek": "api.deepseek.com",
    "fireworks": "api.fireworks.ai",
    "google": "generativelanguage.googleapis.com",
    "groq": "api.groq.com",
    "huggingface": "router.huggingface.co",
    "mistral": "api.mistral.ai",
    "openai": "api.openai.com",
    "openrouter": "openrouter.ai",
    "together": "api.together.xyz",
    "xai": "api.x.ai",
}
"""Where the listed prices hold: what speaks like a service at another address has prices of its own.

Perplexity is none of them, as it asks for its searches, too.
"""

_CLASS = "service_tier"
"""The option that asks for faster or cheaper service, which has another price."""


def find_listed(
    provider: str, model: str, base_url: str, options: Mapping[str, object] | None = None
) -> "HostedModel | None":
    """What is listed of `model` at the service behind `base_url`, None for what is not in the cloud.

    It has a price where the service itself answers, in its usual class: `options` go to it.
    """
    if classify(base_url) != "cloud":
        return None
    from ally.models.hosted import find  # late: models on this machine have no use for the list

    found = find(provider, model)
    is_usual = _host(base_url) == HOMES.get(provider.strip().lower()) and _CLASS not in (options or {})
    return found if found is None or is_usual else replace(found, price=None)


def _host(base_url: str) -> str:
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""


def with_profile(llm: T, listed: "HostedModel | None", options: JsonObject, window: int | None = None) -> T:
    """`llm` with LangChain's `profile` filled, where its class has one.

    Args:
        listed: what the list says of the model.
        options: `provider_options`; their `context_window` wins over everything.
        window: tokens that the service takes of any model; the smaller of this and the listed one counts.
    """
    if "profile" not in getattr(type(llm), "model_fields", {}):
        return llm
    facts: JsonObject = {}
    if listed is not None:
        window = min(listed.context_window, window or listed.context_window)
        facts = {
            "tool_calling": listed.tools,
            "image_inputs": listed.images,
            "reasoning_output": listed.thinking,
            **({"max_output_tokens": listed.max_output_tokens} if listed.max_output_tokens else {}),
            **({"structured_output": True} if listed.structured else {}),
        }
    window = options.get("context_window") or window
    if window:
        facts["max_input_tokens"] = window
    own = cast("JsonObject", getattr(llm, "profile", None) or {})
    # What the class itself knows of the model, e.g. its levels of reasoning, stays.
    setattr(llm, "profile", {**own, **facts} or None)  # noqa: B010 - a field of classes that the checker cannot see
    return llm
