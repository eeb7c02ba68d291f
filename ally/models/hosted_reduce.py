"""From the whole list of models.dev to the part that Ally keeps."""

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from ally.models.hosted import IMAGES, STRUCTURED, THINKING, TOOLS, HostedList, Row

URL = "https://models.dev/api.json"
LICENCE = "MIT, Copyright (c) 2025 models.dev"

SERVICES: Mapping[str, str] = {
    "ai21": "ai21",
    "anthropic": "anthropic",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks-ai",
    "github": "github-models",
    "google": "google",
    "groq": "groq",
    "huggingface": "huggingface",
    "minimax": "minimax",
    "mistral": "mistral",
    "nvidia": "nvidia",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity-agent",
    "together": "togetherai",
    "xai": "xai",
}
"""Ally's name of a service and that of models.dev."""

_LEAST_SERVICES, _LEAST_MODELS = 6, 100
_MOST_TOKENS = 1_000_000_000
_ABOUT = (
    "Written by scripts/hosted_models.py. A row is: tokens of a prompt, tokens of an answer (0: not known), and what "
    "the model can do: t tools, i images, r reasoning, s structured answers."
)


class _Limit(msgspec.Struct):
    context: float = 0
    input: float = 0
    output: float = 0


class _Modalities(msgspec.Struct):
    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


class _Model(msgspec.Struct):
    limit: _Limit
    modalities: _Modalities
    tool_call: bool = False
    reasoning: bool = False
    structured_output: bool = False


class NotTheList(Exception):  # its callers say what was read, and what to do
    """What was read is not the list of models.dev; the text says why."""


def reduce(data: bytes, *, as_of: str, source: str) -> HostedList:
    """The models of the services that Ally knows which answer in text.

    A model that is described in another way than expected is left out.

    Raises:
        NotTheList: `data` is something else.
    """
    try:
        services = msgspec.json.decode(data, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise NotTheList(str(exc)) from exc
    kept = {ours: _rows(services.get(theirs)) for ours, theirs in SERVICES.items()}
    providers = {name: rows for name, rows in kept.items() if rows}
    models = sum(map(len, providers.values()))
    if len(providers) < _LEAST_SERVICES or models < _LEAST_MODELS:
        raise NotTheList(f"it names {models} models of {len(providers)} known services")
    return HostedList(as_of, source, providers, _ABOUT, LICENCE)


def encode(found: HostedList) -> bytes:
    """The file of a list, one model a line; equal lists give equal bytes."""
    head = {name: getattr(found, name) for name in ("about", "source", "licence", "as_of")}
    lines = [f" {_json(name)}: {_json(text)}," for name, text in head.items()]
    services = [f"  {_json(name)}: {{\n{_lines(rows)}\n  }}" for name, rows in found.providers.items()]
    return "\n".join(["{", *lines, ' "providers": {', ",\n".join(services), " }", "}", ""]).encode()


def _lines(rows: Mapping[str, Row]) -> str:
    return ",\n".join(f"   {_json(name)}: {_json(row)}" for name, row in rows.items())


def _rows(service: object) -> dict[str, Row]:
    models: object = cast("dict[str, object]", service).get("models") if isinstance(service, dict) else None
    if not isinstance(models, dict):
        return {}
    found = {str(name): _row(value) for name, value in sorted(cast("dict[str, object]", models).items())}
    return {name: row for name, row in found.items() if row is not None and "embed" not in name.lower()}


def _row(value: object) -> Row | None:
    try:
        model = msgspec.convert(value, _Model)
    except msgspec.MsgspecError:
        return None
    window = _tokens(model.limit.input) or _tokens(model.limit.context)
    if not window or "text" not in model.modalities.output:
        return None
    can = {
        TOOLS: model.tool_call,
        IMAGES: "image" in model.modalities.input,
        THINKING: model.reasoning,
        STRUCTURED: model.structured_output,
    }
    return window, _tokens(model.limit.output), "".join(letter for letter, is_able in can.items() if is_able)


def _tokens(value: float) -> int:
    return int(value) if 0 < value < _MOST_TOKENS else 0


def _json(value: str | Sequence[object]) -> str:
    return msgspec.json.encode(value).decode()
