"""Asking collections twice: which passages hold the words, and which are near the question's vector."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ally.errors import AllyError
from ally.rag.embeddings.base import Embedder
from ally.rag.search.asking import Asked
from ally.rag.stores.base import Collection, Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEPTH = 1000
"""How many passages each leg gives: what the other one has not among so many cannot come to the top."""


@dataclass(frozen=True, slots=True)
class Legs:
    """What one collection gave, best first. `has_vectors` says whether its vectors were asked."""

    collection: Collection
    words: list[Scored]
    vectors: list[Scored]
    has_vectors: bool


@dataclass(slots=True)
class Legwork:
    """Asks collections one after the other; the question is embedded once, when there are vectors to be asked.

    `notes` say what had to be done without.
    """

    asked: Asked
    embedder: Embedder | None
    notes: list[str] = field(default_factory=list[str])
    _vector: "NDArray[np.float32] | None" = None
    _failed: bool = False

    def ask(self, collection: Collection) -> Legs:
        """Both legs of one collection.

        Raises:
            StorageError: it cannot be read.
        """
        words = collection.by_words([*self.asked.phrases, *self.asked.words], DEPTH) if self.asked.words else []
        if not self._are_usable(collection) or (vector := self._embed()) is None:
            return Legs(collection, words, [], has_vectors=False)
        return Legs(collection, words, collection.by_vector(vector, DEPTH), has_vectors=True)

    def _are_usable(self, collection: Collection) -> bool:
        """Whether the vectors of `collection` can be compared with those of the embedder."""
        if self.embedder is None:
            return False
        facts = collection.facts()
        if not facts.passages:
            return False
        if not facts.embedded:
            self.notes.append(f"{facts.name} has no vectors yet; it was searched by words.")
            return False
        if facts.fingerprint != self.embedder.fingerprint:
            self.notes.append(
                f"The vectors of {facts.name} are of {facts.fingerprint}, not of {self.embedder.fingerprint};"
                f" it was searched by words. ally kb sync --rebuild {facts.name} makes new ones."
            )
            return False
        if facts.embedded < facts.passages:
            share = 100 * facts.embedded // facts.passages
            self.notes.append(f"The vectors of {facts.name} are not complete yet: {share} %.")
        return True

    def _embed(self) -> "NDArray[np.float32] | None":
        if self._vector is None and not self._failed and self.embedder is not None and self.asked.text:
            try:
                self._vector = self.embedder.embed([self.asked.text], "query")[0]
            except AllyError as error:
                self._failed = True
                self.notes.append(f"Searched by words alone: {error.message}")
        return self._vector


def ask_all(collections: Sequence[Collection], asked: Asked, embedder: Embedder | None) -> tuple[list[Legs], list[str]]:
    """Both legs of each collection, and what had to be done without."""
    work = Legwork(asked, embedder)
    return [work.ask(collection) for collection in collections], work.notes
