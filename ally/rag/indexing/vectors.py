"""Giving passages their vectors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ally.errors import ContextTooLong
from ally.rag.embeddings.base import Embedder
from ally.rag.indexing.pace import Pace
from ally.rag.progress import Watcher
from ally.rag.stores.base import Collection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AT_ONCE, AT_ONCE_REMOTE = 64, 256
"""Texts between two commits: what a kill loses is the work of a few seconds. Services take several requests at once."""

_SHORTEST = 64


def fill(
    collection: Collection, embedder: Embedder, others: Sequence[Collection], watcher: Watcher, problems: list[str]
) -> int:
    """Embed what has no vector yet, until the watcher stops it; how many texts were embedded.

    Texts whose vector stands in one of `others` are not embedded again. A text that turns out to be longer than the
    model reads gets the vector of its beginning; `problems` says which.

    Raises:
        ProviderError, DimensionMismatch: the embedder failed; what it gave before is kept.
    """
    facts = collection.facts()
    pace = Pace(watcher, "embedding", "passages", facts.passages - facts.embedded)
    if pace.total == 0:
        return 0
    pace.tell()
    embedded = 0
    at_once = AT_ONCE if embedder.provider == "local" else AT_ONCE_REMOTE
    while not watcher.is_stopped() and (batch := collection.waiting(at_once)):
        known = _known(others, embedder.fingerprint, [text for _, text in batch])
        unknown = [position for position in range(len(batch)) if position not in known]
        if unknown:
            vectors = _embed(embedder, [batch[position][1] for position in unknown], problems)
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


def _embed(embedder: Embedder, texts: list[str], problems: list[str]) -> "list[NDArray[np.float32]]":
    """The vectors of `texts`; a refusal for length is narrowed down to the text that it is about."""
    try:
        return list(embedder.embed(texts, "passage"))
    except ContextTooLong:
        if len(texts) > 1:
            middle = len(texts) // 2
            return _embed(embedder, texts[:middle], problems) + _embed(embedder, texts[middle:], problems)
        [text] = texts
        if len(text) <= _SHORTEST:
            raise
        problems.append(f"Longer than {embedder.model} reads, so only its beginning has a vector: {text[:60]!r}")
        return _embed(embedder, [text[: len(text) // 2]], [])


def _known(others: Sequence[Collection], fingerprint: str, texts: Sequence[str]) -> "dict[int, NDArray[np.float32]]":
    found: dict[int, NDArray[np.float32]] = {}
    for other in others:
        found |= other.known_vectors(fingerprint, texts)
    return found


def _stacked(rows: "Sequence[NDArray[np.float32]]") -> "NDArray[np.float32]":
    import numpy as np  # heavy

    return np.stack(rows)
