"""`provider_options.NAME.embeddings` of config.json, read strictly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from ally.errors import ConfigError
from ally.messages import JsonObject

_NUMBERS = {"batch": 10_000, "concurrency": 64, "dimensions": 100_000, "max_tokens": 1_000_000}
"""Whole numbers with the largest that makes sense; the smallest is 1."""

_TEXTS = ("query_prefix", "passage_prefix")


@dataclass(frozen=True, slots=True)
class Wishes:
    """None: whatever suits the service and the model.

    `batch` is how many texts go into one request, `concurrency` how many requests are under way at once, `dimensions`
    how long vectors shall be where the model leaves a choice. The prefixes stand before each text. `body` are further
    fields of each request.
    """

    batch: int | None = None
    concurrency: int | None = None
    dimensions: int | None = None
    max_tokens: int | None = None
    query_prefix: str | None = None
    passage_prefix: str | None = None
    body: JsonObject = field(default_factory=dict[str, object])


def read_wishes(provider: str, options: Mapping[str, object]) -> Wishes:
    """The wishes in `options`; `base_url` is not among them.

    Raises:
        ConfigError: an option is unknown or cannot be used.
    """
    found: JsonObject = {}
    for name, value in options.items():
        if name == "base_url" or value is None:
            continue
        if name in _NUMBERS:
            if type(value) is not int or not 1 <= value <= _NUMBERS[name]:
                raise _unusable(provider, name, f"a whole number from 1 to {_NUMBERS[name]:,}")
        elif name in _TEXTS:
            if not isinstance(value, str):
                raise _unusable(provider, name, "text")
        elif name != "body":
            known = ", ".join(sorted(("base_url", "body", *_NUMBERS, *_TEXTS)))
            raise _unusable(provider, name, f"one of {known}")
        elif not isinstance(value, dict):
            raise _unusable(provider, name, "an object of request fields")
        found[name] = value
    return Wishes(**cast("dict[str, object]", found))  # pyright: ignore[reportArgumentType] - checked above


def _unusable(provider: str, name: str, wanted: str) -> ConfigError:
    key = f"provider_options.{provider}.embeddings.{name}"
    return ConfigError(f"{key} must be {wanted}.", key=key, hint=f"correct {key} in config.json")
