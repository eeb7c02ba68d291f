"""What a LangChain object says of its model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ally.models.price import Price
from ally.providers.base import BaseProvider
from ally.providers.listed import find_listed
from ally.providers.model import FactSource

_CHOSEN_WINDOW = ("num_ctx", "n_ctx")
"""How ChatOllama, ChatLlamaCpp and LlamaCpp call the window that they were made with."""


@dataclass(frozen=True, slots=True)
class Said:
    """Facts of one model; `tools` and `images` are None where nobody says."""

    context_window: int | None = None
    context_window_source: FactSource = "guess"
    tools: bool | None = None
    images: bool | None = None
    price: Price | None = None


def read_facts(
    provider: BaseProvider,
    model: str,
    core: object,
    options: Mapping[str, Any],  # Any: whatever provider_options.NAME holds
    address: str,
) -> Said:
    """What options, plug-in, object and the list of hosted models say of `model`, the first of them that does."""
    profile = _profile_of(core)
    listed = find_listed(provider.name, model, address, options) if address else None
    window, source = _window(provider, model, core, options)
    if window is None:
        window = _tokens(profile.get("max_input_tokens")) or (listed.context_window if listed else None)
        source = "catalogue" if window else "guess"
    tools, images = profile.get("tool_calling"), profile.get("image_inputs")
    return Said(
        window,
        source,
        tools if isinstance(tools, bool) else listed.tools if listed else None,
        images if isinstance(images, bool) else listed.images if listed else None,
        listed.price if listed else None,
    )


def _window(
    provider: BaseProvider,
    model: str,
    core: object,
    options: Mapping[str, Any],  # Any: as above
) -> tuple[int | None, FactSource]:
    if options.get("context_window"):
        return int(options["context_window"]), "user"
    limit: Any = getattr(provider, "get_max_tokens", None)  # Any: the guide's example method, which some plug-ins add
    if callable(limit) and (tokens := _tokens(limit(model))):
        return tokens, "catalogue"
    chosen = next((tokens for name in _CHOSEN_WINDOW if (tokens := _tokens(getattr(core, name, None)))), None)
    return chosen, "user" if chosen else "guess"


def _profile_of(core: object) -> Mapping[str, object]:
    """LangChain's own facts of the model; of another shape in objects that are not LangChain's."""
    profile: object = getattr(core, "profile", None)
    return cast("Mapping[str, object]", profile) if isinstance(profile, Mapping) else {}


def _tokens(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
