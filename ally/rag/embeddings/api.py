"""The port of a format: how a request for embeddings is written and an answer read. It opens no connection."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ally.egress.failures.faults import Hints
from ally.messages import JsonObject
from ally.rag.embeddings.base import TextKind
from ally.rag.embeddings.choice import STAY_HERE
from ally.rag.embeddings.vectors import Row


@dataclass(frozen=True, slots=True)
class Target:
    """One embedding model at one service. `base_url` has no trailing slash; the key never shows in a repr."""

    provider: str
    model: str
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    key_variable: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    dimensions: int | None = None
    body: JsonObject = field(default_factory=dict[str, object])
    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 120.0


class Call(NamedTuple):
    """One HTTP request."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """One vector for each text, in their order, and how many tokens the service says it read; 0: it says nothing."""

    rows: Sequence[Row]
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Habits:
    """How a service wants to be asked.

    `max_texts` and `max_tokens` are the most for one request, `at_once` how many requests are under way. `cuts`: a text
    that is too long is cut there without a word, so it must not be sent.
    """

    max_texts: int
    max_tokens: int
    at_once: int = 2
    cuts: bool = False


class Api(Protocol):
    """One format."""

    @property
    def habits(self) -> Habits:
        """How the service wants to be asked."""
        ...

    @property
    def hints(self) -> Hints:
        """What to do when it is not there or lacks the model."""
        ...

    def write(self, target: Target, texts: Sequence[str], kind: TextKind) -> Call:
        """The request."""
        ...

    def read(self, body: bytes) -> Answer:
        """The answer.

        Raises:
            msgspec.MsgspecError: it is not of this format.
            NoVectors: it is, but holds no vectors.
        """
        ...


def make_hints(unreachable: str = "", unknown_model: str = "") -> Hints:
    """Hints in the words of embedders."""
    return Hints(
        unreachable=unreachable,
        unknown_model=unknown_model or 'see its documentation for embedding models; "embedding_model" names one',
        too_long="set knowledge.chunk_tokens lower, or choose a model that reads more",
        here=STAY_HERE,
        offline=f"stay on this machine: {STAY_HERE}; or leave out --offline",
    )


def json_call(url: str, target: Target, body: JsonObject, authorization: str = "Bearer") -> Call:
    """A POST of `body`, with the extra fields of the target, and its key, if any, as `Authorization`."""
    headers = {"Content-Type": "application/json", **target.headers}
    if target.api_key and authorization:
        headers["Authorization"] = f"{authorization} {target.api_key}"
    return Call(url, headers, to_json({**body, **target.body}))


def to_json(value: JsonObject) -> bytes:
    """`value` as compact UTF-8 JSON; half of a surrogate pair becomes `?`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
