"""What the list of hosted models says of a model, for both roads."""

from typing import TYPE_CHECKING, TypeVar, cast

from ally.egress.location import classify
from ally.messages import JsonObject

if TYPE_CHECKING:
    from ally.models.hosted import HostedModel

T = TypeVar("T")


def find_listed(provider: str, model: str, base_url: str) -> "HostedModel | None":
    """What is listed of `model` at the service behind `base_url`, None for what is not in the cloud."""
    if classify(base_url) != "cloud":
        return None
    from ally.models.hosted import find  # late: models on this machine have no use for the list

    return find(provider, model)


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
