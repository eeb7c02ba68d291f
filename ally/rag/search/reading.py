"""Candidates are read: now it is known what they say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ally.rag.search.asking import Asked
from ally.rag.search.fusing import Candidate
from ally.rag.search.hit import Why
from ally.rag.search.wording import held, holds_phrase
from ally.rag.stores.base import Collection, Stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A passage that was found, with its text, and its vector where it has one that can be compared."""

    collection: Collection
    stored: Stored
    why: Why
    word_part: float
    vector: "NDArray[np.float32] | None"

    @property
    def source(self) -> tuple[str, str]:
        """Collection and path of the file it is of."""
        return self.collection.name, self.stored.path


def read(candidates: Sequence[Candidate], asked: Asked) -> list[Read]:
    """The passages of `candidates` in their order; what is gone meanwhile is left out.

    Raises:
        StorageError: a collection cannot be read.
    """
    by_collection: dict[str, list[Candidate]] = {}
    for one in candidates:
        by_collection.setdefault(one.collection.name, []).append(one)
    found = {(one.source[0], one.stored.id): one for some in by_collection.values() for one in _read(some, asked)}
    keys = ((one.collection.name, one.id) for one in candidates)
    return [found[key] for key in keys if key in found]


def phrases_first(found: Sequence[Read], asked: Asked) -> list[Read]:
    """Those that hold what the question quotes before the others."""
    return sorted(found, key=lambda one: -len(_quotes(one.stored, asked)))


def _read(candidates: Sequence[Candidate], asked: Asked) -> list[Read]:
    """Those of one collection, in any order."""
    first = candidates[0]
    stored = first.collection.passages([one.id for one in candidates])
    vectors = (
        first.collection.known_vectors(first.fingerprint, [one.passage.searched for one in stored])
        if first.fingerprint
        else {}
    )
    by_id = {one.id: one for one in candidates}
    return [_explained(by_id[one.id], one, vectors.get(n), asked) for n, one in enumerate(stored)]


def _explained(one: Candidate, stored: Stored, vector: "NDArray[np.float32] | None", asked: Asked) -> Read:
    words = held([*asked.words, *asked.earlier], stored.passage.searched)
    quotes = _quotes(stored, asked)
    notes = (f"holds {', '.join(map(repr, quotes))}",) if quotes else ()
    return Read(one.collection, stored, replace(one.why, words=words, notes=notes), one.word_part, vector)


def _quotes(stored: Stored, asked: Asked) -> list[str]:
    return [phrase for phrase in asked.phrases if holds_phrase(phrase, stored.passage.searched)]
