"""Embedding models in GGUF files, run by the embedded engine: `ally models pull` fetches some."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ally.config.paths import Paths
from ally.egress.location import Location
from ally.errors import ModelFileError, ProviderError
from ally.models import store
from ally.models.engine import Engine, EngineSpec, Serving, check_installed, engines, plan_embedder
from ally.models.gguf import read_header
from ally.rag.embeddings.api import Target
from ally.rag.embeddings.base import TextKind
from ally.rag.embeddings.counting import ESTIMATE, load_counter, wordpiece
from ally.rag.embeddings.known import KnownModel, find_model
from ally.rag.embeddings.minilm.files import VOCABULARY, find_weights
from ally.rag.embeddings.openai import OpenAIApi
from ally.rag.embeddings.remote import Facts, RemoteEmbedder, prefix_digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LONGEST = 1024
"""Tokens of a text. Passages are much shorter, and the engine takes memory for what might come."""

_TEXTS_AT_ONCE = 16


def open_in_engine(paths: Paths, name: str) -> "EngineEmbedder":
    """The embedding model `name` of this machine.

    Raises:
        MissingPackage: the engine is not installed.
        UnknownModel: it is not on this machine; the hint says how to get it.
        ModelFileError: it is no embedding model.
    """
    check_installed()
    model = store.resolve(paths, name)
    header = read_header(model.path, name)
    if not header.embeds:
        raise ModelFileError(
            f"{name} answers questions and makes no vectors.",
            model=name,
            hint='set "embedding_model" to null for the one that comes with Ally, or fetch one: ally models list',
        )
    known = find_model(name)
    longest = min(known.max_tokens, header.context_window or known.max_tokens, _LONGEST)
    return EngineEmbedder(model, replace(known, max_tokens=longest))


class EngineEmbedder:
    """`Embedder` over an engine that starts with the first text."""

    provider = "local"
    location: Location = "local"

    def __init__(self, model: store.InstalledModel, known: KnownModel) -> None:
        self.model = model.name
        weights = find_weights() if known.bert else None
        self.counter = wordpiece(weights / VOCABULARY) if weights else ESTIMATE
        digest = store.digest_of(model)
        self.fingerprint = "/".join([self.provider, self.model, digest[:16], *prefix_digest(known)])
        self._model = model
        self._known = known
        self._spec: EngineSpec | None = None
        self._engine: Engine | None = None
        self._asking: RemoteEmbedder | None = None
        self._lock = threading.Lock()

    @property
    def max_tokens(self) -> int:
        """How long a text may be, without the prefix."""
        count = load_counter(self.counter)
        prefixes = (self._known.query, self._known.passage)
        return self._known.max_tokens - max((count(prefix) for prefix in prefixes if prefix), default=0)

    @property
    def process_id(self) -> int:
        """0 while no engine runs."""
        engine = self._engine
        return engine.pid if engine and engine.alive else 0

    def embed(self, texts: Sequence[str], kind: TextKind) -> "NDArray[np.float32]":
        """As the port says."""
        asking = self._started()
        try:
            return asking.embed(texts, kind)
        except ProviderError as error:
            engine = self._engine
            if engine is None or engine.alive:
                raise
            raise ModelFileError(
                f"The engine with {self.model} is gone: {engine.describe_end()}.",
                model=self.model,
                hint="try again: it starts anew, and what was done before is kept",
            ) from error

    def close(self) -> None:
        """Let the engine go; it stays warm until another one is wanted or the program ends."""
        with self._lock:
            self._let_go()

    def _started(self) -> RemoteEmbedder:
        with self._lock:
            if self._asking is None or self._engine is None or not self._engine.alive:
                self._let_go()
                self._spec = plan_embedder(self._model.path, self.model, self._known.max_tokens)
                self._engine = engines.acquire(self._spec)
                self._asking = self._ask(self._engine.ready.result())
            return self._asking

    def _ask(self, serving: Serving) -> RemoteEmbedder:
        target = Target(self.provider, self.model, serving.base_url, serving.api_key)
        api = OpenAIApi(serving.base_url)
        api.habits = replace(api.habits, max_texts=_TEXTS_AT_ONCE, at_once=1, cuts=True)
        return RemoteEmbedder(target, api, Facts(self._known, counter=self.counter), _TEXTS_AT_ONCE, 1)

    def _let_go(self) -> None:
        if self._asking is not None:
            self._asking.close()
        if self._spec is not None:
            engines.release(self._spec)
        self._asking = self._engine = self._spec = None
