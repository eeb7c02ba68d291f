"""Which services make vectors, and what is known of their models: `known.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal, cast

from ally.messages import JsonObject

ApiName = Literal["openai", "ollama", "google", "cohere", "nlpcloud", "huggingface"]
MAX_TOKENS_UNKNOWN = 512
"""What nearly every embedding model can read."""

_FILE = Path(__file__).with_name("known.json")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """How a model is used: `query` and `passage` stand before a text, because it was trained so. `dim` 0: unknown.

    `bert`: its tokens are those of BERT's English vocabulary without case, which many models have in common. Where the
    nearest passage has a cosine below `far` hardly any answers the question, below `doubtful` maybe none does; 0:
    nobody has measured it.
    """

    max_tokens: int = MAX_TOKENS_UNKNOWN
    dim: int = 0
    query: str = ""
    passage: str = ""
    bert: bool = False
    far: float = 0.0
    doubtful: float = 0.0


@dataclass(frozen=True, slots=True)
class KnownService:
    """One row of services. `base_url` is empty where it depends on the machine."""

    name: str
    api: ApiName
    base_url: str
    env_vars: tuple[str, ...]
    default_model: str


@dataclass(frozen=True, slots=True)
class Table:
    """`known.json`, looked up on the day `as_of`.

    `defaults` are embedding models of services that are known otherwise, `without` have none.
    """

    as_of: str
    services: Mapping[str, KnownService]
    defaults: Mapping[str, str]
    without: frozenset[str]
    aliases: Mapping[str, str]
    models: tuple[tuple[str, KnownModel], ...] = field(repr=False)


@cache
def load_table() -> Table:
    """The table that comes with Ally."""
    data = cast("JsonObject", json.loads(_FILE.read_text(encoding="utf-8")))
    services = [
        KnownService(row["name"], row["api"], row["base_url"], tuple(row["env_vars"]), row["default_model"])
        for row in data["services"]
    ]
    models = [
        (str(row["name"]), KnownModel(**{name: value for name, value in row.items() if name != "name"}))
        for row in data["models"]
    ]
    return Table(
        as_of=data["as_of"],
        services={one.name: one for one in services},
        defaults=data["defaults"],
        without=frozenset(data["without"]),
        aliases=data["aliases"],
        models=tuple(models),
    )


def find_model(name: str) -> KnownModel:
    """What is known of the model `name`, whoever publishes it and whatever its tag: `BAAI/bge-m3`, `bge-m3:567m`."""
    bare = name.rstrip("/").rpartition("/")[2].partition(":")[0].lower()
    return next((model for pattern, model in load_table().models if fnmatchcase(bare, pattern)), KnownModel())
