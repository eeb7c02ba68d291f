"""Giving passages their vectors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ally.rag.embeddings.base import Embedder
from ally.rag.indexing.pace import Pace
from ally.rag.progress import Watcher
from ally.rag.stores.base import Collection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AT_ONCE = 64
"""Texts between two commits: what a kill loses is the work of a few seconds."""


def fill(collection: Collection, embedder: Embedder, others: Sequence[Collection], watcher: Watcher) -> int:
    """Embed what has no vector yet, until the watcher stops it; how many texts were embedded.

    Texts whose vector stands in one of `others` are not embedded again.

    Raises:
        ProviderError: the embedder failed; what it gave before is kept.
    """
    facts = collection.facts()
    pace = Pace(watcher, "embedding", "passages", facts.passages - facts.embedded)
    if pace.total == 0:
        return 0
    pace.tell()
    embedded = 0
    while not watcher.is_stopped() and (batch := collection.waiting(AT_ONCE)):
        known = _known(others, embedder.fingerprint, [text for _, text in batch])
        unknown = [position for position in range(len(batch)) if position not in known]
        if unknown:
            vectors = embedder.embed([batch[position][1] for position in unknown], "passage")
            known |= dict(zip(unknown, vectors, strict=True))
            embedded += len(unknown)
        collection.add_vectors(
            embedder.fingerprint, [passage for passage, _ in batch], _stacked([known[n] for n in range(len(batch))])
        )
        facts = collection.facts()
        pace.done = pace.total - (facts.passages - facts.embedded)
        pace.step(0)
    pace.tell()
    return embedded


def _known(others: Sequence[Collection], fingerprint: str, texts: Sequence[str]) -> "dict[int, NDArray[np.float32]]":
    found: dict[int, NDArray[np.float32]] = {}
    for other in others:
        found |= other.known_vectors(fingerprint, texts)
    return found


def _stacked(rows: "Sequence[NDArray[np.float32]]") -> "NDArray[np.float32]":
    import numpy as np  # heavy

    return np.stack(rows)
