"""An embedding model behind HTTP."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ally.egress.location import Location, classify
from ally.errors import ContextTooLong, DimensionMismatch
from ally.rag.embeddings.api import Api, Target
from ally.rag.embeddings.base import TextKind
from ally.rag.embeddings.batches import Batches, Patience, shown
from ally.rag.embeddings.counting import ESTIMATE, load_counter
from ally.rag.embeddings.http import Connection, Runner
from ally.rag.embeddings.known import KnownModel
from ally.rag.embeddings.vectors import NoVectors, Row, to_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the model before it is used. `place` is in the fingerprint of models that only one host has.

    `ask_max_tokens` asks the service how long a text may be, when somebody wants to know; 0: it does not say.
    """

    model: KnownModel
    place: str = ""
    counter: str = ESTIMATE
    ask_max_tokens: Callable[[], int] = lambda: 0


@dataclass
class RemoteEmbedder:
    """`Embedder` over `api`. `tokens` is what the service says it has read so far."""

    target: Target
    api: Api
    facts: Facts
    max_texts: int
    at_once: int
    patience: Patience = field(default_factory=Patience)
    tokens: int = field(init=False, default=0)
    _dim: int = field(init=False, default=0)
    _asked_max_tokens: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._connection = Connection(self.target, self.api)
        self._runner = Runner()

    @property
    def provider(self) -> str:
        """As in `embedding_provider`."""
        return self.target.provider

    @property
    def model(self) -> str:
        """As in `embedding_model`."""
        return self.target.model

    @property
    def fingerprint(self) -> str:
        """Provider, model, the host if only that has it, the length asked for, and a digest of the prefixes."""
        parts = [self.provider, self.model]
        parts += [self.facts.place] if self.facts.place else []
        parts += [str(self.target.dimensions)] if self.target.dimensions else []
        return "/".join([*parts, *prefix_digest(self.facts.model)])

    @property
    def max_tokens(self) -> int:
        """How long a text may be, without the prefix."""
        if self._asked_max_tokens is None:
            self._asked_max_tokens = self.facts.ask_max_tokens()
        return (self._asked_max_tokens or self.facts.model.max_tokens) - self._prefix_tokens

    @property
    def location(self) -> Location:
        """Where the texts go."""
        return classify(self.target.base_url)

    @property
    def counter(self) -> str:
        """How its tokens are counted."""
        return self.facts.counter

    def embed(self, texts: Sequence[str], kind: TextKind) -> "NDArray[np.float32]":
        """As the port says; Ctrl-C ends what is under way."""
        if self.api.habits.cuts:
            self._refuse_too_long(texts)
        prefix = self.facts.model.query if kind == "query" else self.facts.model.passage
        habits = self.api.habits

        async def send(some: Sequence[str]) -> Sequence[Row]:
            return await self._ask([prefix + text for text in some], kind)

        batches = Batches(texts, send, self.location == "local", self.patience)
        rows = self._runner.run(batches.run(self.max_texts, habits.max_tokens, self.at_once))
        try:
            vectors = to_array(rows, len(texts))
        except NoVectors as error:
            raise self._connection.bad_reply(str(error)) from error
        dim = int(vectors.shape[1])
        if self._dim and dim != self._dim:
            raise DimensionMismatch(self._dim, dim)
        self._dim = dim
        return vectors

    def close(self) -> None:
        """Let go of connections; what is under way ends."""
        self._runner.close(self._connection.close())

    @property
    def _prefix_tokens(self) -> int:
        known = self.facts.model
        count = load_counter(self.facts.counter)
        return max((count(prefix) for prefix in (known.query, known.passage) if prefix), default=0)

    async def _ask(self, texts: Sequence[str], kind: TextKind) -> Sequence[Row]:
        answer = await self._connection.ask(self.api.write(self.target, texts, kind))
        if len(answer.rows) != len(texts):
            raise self._connection.bad_reply(f"sent {len(answer.rows)} vectors for {len(texts)} texts")
        self.tokens += answer.tokens
        return answer.rows

    def _refuse_too_long(self, texts: Sequence[str]) -> None:
        """Where the service would cut a text without a word."""
        limit, count = self.max_tokens, load_counter(self.facts.counter)
        for text in texts:
            if count(text) > limit:
                raise ContextTooLong(
                    f"A text of {len(text):,} characters, {shown(text)}, may be too long for {self.model},"
                    f" which reads {limit:,} tokens.",
                    limit_tokens=limit,
                    provider=self.provider,
                    model=self.model,
                    hint=self.api.hints.too_long,
                )


def prefix_digest(model: KnownModel) -> list[str]:
    """A short name for the prefixes of a model; none has no name."""
    if not (model.query or model.passage):
        return []
    return [hashlib.sha256(f"{model.query}\0{model.passage}".encode()).hexdigest()[:8]]


def host_of(base_url: str) -> str:
    """Host and port of an address."""
    return urlsplit(base_url).netloc.rpartition("@")[2].lower()
