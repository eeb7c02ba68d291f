"""One order out of two: BM25 of the words and cosine of the vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ally.rag.search.hit import Why
from ally.rag.search.legs import Legs
from ally.rag.stores.base import Collection

WORD_WEIGHT = 0.03
"""What a point of BM25 is worth in cosine."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that was found, before it is read."""

    collection: Collection
    id: int
    why: Why


def fuse(legs: Sequence[Legs], count: int) -> list[Candidate]:
    """The best `count` passages of all collections; ties in the order of the collections, then by id."""
    found = [candidate for one in legs for candidate in _fuse(one)]
    found.sort(key=lambda candidate: -candidate.why.fused_score)
    return found[:count]


def _fuse(legs: Legs) -> list[Candidate]:
    floor = legs.vectors[-1].score if legs.vectors else 0.0
    whys: dict[int, Why] = {}
    for rank, one in enumerate(legs.words, 1):
        whys[one.id] = Why(word_rank=rank, word_score=one.score)
    for rank, one in enumerate(legs.vectors, 1):
        whys[one.id] = replace(whys.get(one.id, Why()), vector_rank=rank, vector_score=one.score)
    return [
        Candidate(legs.collection, id_, replace(why, fused_score=_score(why, floor)))
        for id_, why in sorted(whys.items())
    ]


def _score(why: Why, floor: float) -> float:
    return WORD_WEIGHT * (why.word_score or 0.0) + (floor if why.vector_score is None else why.vector_score)
