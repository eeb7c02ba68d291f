"""One order out of two: BM25 of the words and cosine of the vectors.

How much the words count is chosen for each question. Keywords are to be taken literally; a whole sentence is asked by
its meaning, and what it is made of stands in many passages that do not answer it. How the numbers were found:
docs/design/knowledge-search.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from ally.rag.search.hit import Why
from ally.rag.search.legs import DEPTH, Legs
from ally.rag.stores.base import Collection, Scored

_KEYWORDS = 0.68
"""What it is worth to hold a word that nothing else holds, once and in a passage of usual length.

1 is the span of cosines in the list, and the question has no function words. BM25 of such a word is about the logarithm
of the number of passages; measured against that it means the same in small and in large collections.
"""

_LESS_FOR_SENTENCES = 0.8
_LEAST = 0.1
_NARROWEST = 0.05
_UNLISTED = 0.5
_SMALLEST = 8
_FARTHEST = -0.5
_NOWHERE = (None, None)


@dataclass(frozen=True, slots=True)
class Scale:
    """Puts cosines on one scale for all embedders: 1 is the nearest passage, 0 the last of a list of `DEPTH`."""

    nearest: float
    last: float

    def of(self, cosine: float) -> float:
        """A little below 0 for what was too far to be listed: words may outvote that."""
        return max(_FARTHEST, (cosine - self.last) / max(self.nearest - self.last, _NARROWEST))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that was found, before it is read. `word_part` is what its words add to its score."""

    collection: Collection
    fingerprint: str
    id: int
    word_part: float
    why: Why


def word_weight(function_share: float) -> float:
    """What a word is worth for a question of which `function_share` are function words."""
    return _KEYWORDS * max(_LEAST, 1 - _LESS_FOR_SENTENCES * function_share)


def scale_of(legs: Sequence[Legs]) -> Scale:
    """The scale of one search: that of all its collections together."""
    found = sorted((one.score for one in chain.from_iterable(each.vectors for each in legs)), reverse=True)[:DEPTH]
    return Scale(found[0], found[-1]) if found else Scale(0.0, 0.0)


def fuse(legs: Sequence[Legs], weight: float, scale: Scale, count: int) -> list[Candidate]:
    """The best `count` passages of all collections; ties in the order of the collections, then by id."""
    parts = [_parts(one, weight, scale) for one in legs]
    ranked = sorted((-sum(both), n, id_) for n, part in enumerate(parts) for id_, both in part.items())
    best = ranked[:count]
    found: dict[tuple[int, int], Candidate] = {}
    for n, one in enumerate(legs):
        mine = {id_ for _, number, id_ in best if number == n}
        word_ranks = {each.id: (rank, each.score) for rank, each in enumerate(one.words, 1) if each.id in mine}
        vector_ranks = {each.id: (rank, each.score) for rank, each in enumerate(one.vectors, 1) if each.id in mine}
        for id_ in mine:
            both = parts[n][id_]
            why = Why(*word_ranks.get(id_, _NOWHERE), *vector_ranks.get(id_, _NOWHERE), fused_score=sum(both))
            found[n, id_] = Candidate(one.collection, one.fingerprint, id_, both[0], why)
    return [found[n, id_] for _, n, id_ in best]


def _parts(legs: Legs, weight: float, scale: Scale) -> dict[int, tuple[float, float]]:
    """What words and what meaning add to the score of each passage."""
    weight /= math.log(max(legs.passages, _SMALLEST))
    unlisted = weight * _unlisted(legs.words)
    parts = {one.id: (weight * one.score, 0.0) for one in legs.words}
    for one in legs.vectors:
        parts[one.id] = (parts[one.id][0] if one.id in parts else unlisted, scale.of(one.score))
    return parts


def _unlisted(words: Sequence[Scored]) -> float:
    """What BM25 a passage has that is not among them: none, or some if the list was cut off."""
    return _UNLISTED * words[-1].score if len(words) >= DEPTH else 0.0
