"""One order out of two: BM25 of the words and cosine of the vectors.

How much the words count is chosen for each question. Keywords are to be taken literally; a whole sentence is asked by
its meaning, and what it is made of stands in many passages that do not answer it. How the numbers were found:
docs/design/knowledge-search.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ally.rag.search.hit import Why
from ally.rag.search.legs import DEPTH, Legs
from ally.rag.stores.base import Collection, Scored

KEYWORDS = 0.08
"""What a point of BM25 is worth for a question without function words, where 1 is the span of cosines in the list."""

_LESS_FOR_SENTENCES = 0.8
_LEAST = 0.1
_NARROWEST = 0.05
_UNLISTED = 0.5


@dataclass(frozen=True, slots=True)
class Scale:
    """Puts cosines on one scale for all embedders: 1 is the nearest passage, 0 the last of a list of `DEPTH`."""

    nearest: float
    last: float

    def of(self, cosine: float) -> float:
        """Below 0 for what was too far to be listed."""
        return (cosine - self.last) / max(self.nearest - self.last, _NARROWEST)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that was found, before it is read. `word_part` is what its words add to its score."""

    collection: Collection
    fingerprint: str
    id: int
    word_part: float
    why: Why


def word_weight(function_share: float) -> float:
    """What a point of BM25 is worth for a question of which `function_share` are function words."""
    return KEYWORDS * max(_LEAST, 1 - _LESS_FOR_SENTENCES * function_share)


def scale_of(legs: Sequence[Legs]) -> Scale:
    """The scale of one search: that of all its collections together."""
    found = sorted((one.score for one in chain.from_iterable(each.vectors for each in legs)), reverse=True)[:DEPTH]
    return Scale(found[0], found[-1]) if found else Scale(0.0, 0.0)


def fuse(legs: Sequence[Legs], weight: float, scale: Scale, count: int) -> list[Candidate]:
    """The best `count` passages of all collections; ties in the order of the collections, then by id."""
    found = [candidate for one in legs for candidate in _fuse(one, weight, scale)]
    found.sort(key=lambda candidate: -candidate.why.fused_score)
    return found[:count]


def _fuse(legs: Legs, weight: float, scale: Scale) -> list[Candidate]:
    whys: dict[int, Why] = {}
    for rank, one in enumerate(legs.words, 1):
        whys[one.id] = Why(word_rank=rank, word_score=one.score)
    for rank, one in enumerate(legs.vectors, 1):
        whys[one.id] = replace(whys.get(one.id, Why()), vector_rank=rank, vector_score=one.score)
    unlisted = _unlisted(legs.words)
    found: list[Candidate] = []
    for id_, why in sorted(whys.items()):
        words = weight * (unlisted if why.word_score is None else why.word_score)
        meaning = 0.0 if why.vector_score is None else scale.of(why.vector_score)
        fused = replace(why, fused_score=words + meaning)
        found.append(Candidate(legs.collection, legs.fingerprint, id_, words, fused))
    return found


def _unlisted(words: Sequence[Scored]) -> float:
    """What BM25 a passage has that is not among them: none, or some if the list was cut off."""
    return _UNLISTED * words[-1].score if len(words) >= DEPTH else 0.0
