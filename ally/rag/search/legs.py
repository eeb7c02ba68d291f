"""Asking collections twice: which passages hold the words, and which are near the question's vector."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ally.errors import AllyError
from ally.rag.embeddings.base import Embedder
from ally.rag.search.asking import Asked
from ally.rag.search.windows import windows
from ally.rag.stores.base import Collection, CollectionFacts, Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEPTH = 128
"""How many passages each leg gives. Deeper costs time; 200 found nothing more in the first ten (2026-11-22)."""

_EARLIER = 0.4
"""What a word of the conversation weighs beside one of the question."""


@dataclass(frozen=True, slots=True)
class Legs:
    """What a collection of so many `passages` gave, best first. Without a `fingerprint` its vectors were not asked."""

    collection: Collection
    passages: int
    words: list[Scored]
    vectors: list[Scored]
    fingerprint: str = ""


@dataclass(slots=True)
class Legwork:
    """Asks collections one after the other; the question is embedded once, when there are vectors to be asked.

    `vector` is that of the question, `notes` say what had to be done without.
    """

    asked: Asked
    embedder: Embedder | None
    vector: "NDArray[np.float32] | None" = None
    notes: list[str] = field(default_factory=list[str])
    _has_failed: bool = False

    def ask(self, collection: Collection) -> Legs:
        """Both legs of one collection.

        Raises:
            StorageError: it cannot be read.
        """
        facts = collection.facts()
        words = _by_words(collection, self.asked)
        if self.embedder is None or not self._is_usable(facts, self.embedder):
            return Legs(collection, facts.passages, words, [])
        if (vector := self._embed(self.embedder)) is None:
            return Legs(collection, facts.passages, words, [])
        near = collection.by_vector(vector, DEPTH)
        return Legs(collection, facts.passages, words, near, self.embedder.fingerprint)

    def _is_usable(self, facts: CollectionFacts, embedder: Embedder) -> bool:
        """Whether the vectors of a collection can be compared with those of the embedder."""
        if not facts.passages:
            return False
        if not facts.embedded:
            self.notes.append(f"{facts.name} has no vectors yet; it was searched by words.")
            return False
        if facts.fingerprint != embedder.fingerprint:
            self.notes.append(
                f"The vectors of {facts.name} are of {facts.fingerprint}, not of {embedder.fingerprint};"
                f" it was searched by words. ally kb sync {shlex.quote(facts.name)} --rebuild makes new ones."
            )
            return False
        if facts.embedded < facts.passages:
            share = 100 * facts.embedded // facts.passages
            self.notes.append(f"The vectors of {facts.name} are not complete yet: {share} %.")
        return True

    def _embed(self, embedder: Embedder) -> "NDArray[np.float32] | None":
        if self.vector is None and not self._has_failed and self.asked.text:
            try:
                self.vector = _mean(embedder.embed(windows(self.asked.text, embedder), "query"))
            except AllyError as error:
                self._has_failed = True
                self.notes.append(f"Searched by words alone: {error.message}")
        return self.vector


def _by_words(collection: Collection, asked: Asked) -> list[Scored]:
    """The words of the question, and with less weight those that came from the conversation."""
    looked_for = [*asked.phrases, *asked.words, *asked.pairs]
    found = collection.by_words(looked_for, DEPTH) if looked_for else []
    if not asked.earlier:
        return found
    scores = {one.id: one.score for one in found}
    for one in collection.by_words(asked.earlier, DEPTH):
        scores[one.id] = scores.get(one.id, 0.0) + _EARLIER * one.score
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Scored(id_, score) for id_, score in ranked[:DEPTH]]


def _mean(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The direction between some vectors, shape (dim,)."""
    import numpy as np  # heavy

    mean = vectors.mean(axis=0)
    return vectors[0] if len(vectors) == 1 else (mean / max(np.linalg.norm(mean), 1e-9)).astype(np.float32)


def ask_all(collections: Sequence[Collection], asked: Asked, embedder: Embedder | None) -> tuple[list[Legs], Legwork]:
    """Both legs of each collection, and who asked them."""
    work = Legwork(asked, embedder)
    return [work.ask(collection) for collection in collections], work
