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

_QUOTED = 0.4
"""What it is worth to hold word for word what the question quotes, where cosines go from 0 to 1. Not all: people also
put "best practices" in quotes that the text calls otherwise."""


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
    quotes = [phrase for phrase in asked.phrases if holds_phrase(phrase, stored.passage.searched)]
    notes = (f"holds {', '.join(map(repr, quotes))}",) if quotes else ()
    more = _QUOTED * len(quotes)
    why = replace(one.why, words=words, fused_score=one.why.fused_score + more, notes=notes)
    return Read(one.collection, stored, why, one.word_part + more, vector)
