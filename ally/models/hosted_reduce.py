"""From the whole list of models.dev to the part that Ally keeps."""

from collections.abc import Iterable, Mapping, Sequence
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
_MOST_DOLLARS = 100_000
_LEAST_CELLS = 2
_FREE = ":free"
"""How models are called that cost nothing; elsewhere a price of 0 says that nobody knows it, or that trying is free."""
_ABOUT = (
    "Written by scripts/hosted_models.py. A row is: tokens of a prompt, tokens of an answer (0: not known), and what "
    "the model can do: t tools, i images, r reasoning, s structured answers; then US dollars for a million tokens: "
    "read, written, read from the cache, put into it; and the same for longer prompts, after their number of tokens."
)


class _Limit(msgspec.Struct):
    context: float = 0
    input: float = 0
    output: float = 0


class _Modalities(msgspec.Struct):
    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


class _Tier(msgspec.Struct):
    type: str
    size: int


class _Rates(msgspec.Struct):
    input: float
    output: float
    cache_read: float = 0
    cache_write: float = 0


class _LongRates(_Rates, kw_only=True):
    tier: _Tier


class _Cost(_Rates):
    reasoning: float | None = None
    tiers: tuple[_LongRates, ...] = ()


class _Model(msgspec.Struct):
    limit: _Limit
    modalities: _Modalities
    tool_call: bool = False
    reasoning: bool = False
    structured_output: bool = False
    cost: object = None


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
    return ",\n".join(f"   {_json(name)}: {_json(_cells(row))}" for name, row in rows.items())


def _cells(row: Row) -> list[object]:
    """The row without what is not known at its end."""
    longer = [_numbers(price) for price in row.longer]
    return [row.window, row.output, row.can, *filter(None, (_numbers(row.price), longer))]


def _numbers(price: Iterable[float]) -> list[float]:
    return [int(value) if value == int(value) else value for value in price]


def _rows(service: object) -> dict[str, Row]:
    models: object = cast("dict[str, object]", service).get("models") if isinstance(service, dict) else None
    if not isinstance(models, dict):
        return {}
    found = {str(name): _row(str(name), value) for name, value in sorted(cast("dict[str, object]", models).items())}
    return {name: row for name, row in found.items() if row is not None and "embed" not in name.lower()}


def _row(name: str, value: object) -> Row | None:
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
    letters = "".join(letter for letter, is_able in can.items() if is_able)
    price, longer = _prices(name, model)
    return Row(window, _tokens(model.limit.output), letters, price, longer)


def _prices(name: str, model: _Model) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """Its usual price and those of longer prompts; nothing where the list does not say all that is needed."""
    try:
        cost = msgspec.convert(model.cost, _Cost)
    except msgspec.MsgspecError:
        return (), ()
    is_plain = model.modalities.output == ("text",) and cost.reasoning in (None, cost.output)
    if is_plain and name.endswith(_FREE) and not (cost.input or cost.output or cost.tiers):
        return (0, 0), ()
    sizes = [step.tier.size if step.tier.type == "context" else 0 for step in cost.tiers]
    is_plain = is_plain and all(map(_is_price, (cost, *cost.tiers))) and sizes == sorted({*sizes} - {0})
    if not is_plain:
        return (), ()
    return _price(cost), tuple((size, *_price(step)) for size, step in zip(sizes, cost.tiers, strict=True))


def _is_price(rates: _Rates) -> bool:
    cache = (rates.cache_read, rates.cache_write)
    is_set = all(0 < value < _MOST_DOLLARS for value in (rates.input, rates.output))
    return is_set and all(0 <= value < _MOST_DOLLARS for value in cache)


def _price(rates: _Rates) -> tuple[float, ...]:
    cells = [rates.input, rates.output, rates.cache_read or rates.input, rates.cache_write or rates.input]
    while cells[-1] == rates.input and len(cells) > _LEAST_CELLS:
        cells.pop()
    return tuple(cells)


def _tokens(value: float) -> int:
    return int(value) if 0 < value < _MOST_TOKENS else 0


def _json(value: str | Sequence[object]) -> str:
    return msgspec.json.encode(value).decode()
