"""The order of what was read: exact cosines, and likeness to the passages on which words and meaning agree.

The second is pseudo-relevance feedback in Rocchio's manner: the best three passages are taken for examples of what is
wanted. How much they count depends on how near the question the best passage by words is, since examples mislead where
the two legs talk of different things.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ally.rag.search.fusing import Scale
from ally.rag.search.reading import Read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EXAMPLES = 3
_STRENGTH = 1.5
_AGREED = 0.4
"""Below this nearness (1: the nearest of all) of the best passage by words there are no examples."""

_UNKNOWN = 0.5
_WORTH_TELLING = 0.05


def refine(found: Sequence[Read], vector: "NDArray[np.float32] | None", scale: Scale) -> list[Read]:
    """`found` in its final order."""
    if vector is None or not any(one.vector is not None for one in found):
        return sorted(found, key=lambda one: -one.why.fused_score)
    cosines = _cosines(found, vector)
    meanings = [None if cosine is None else scale.of(cosine) for cosine in cosines]
    unknown = _of_unknown(found, meanings)
    scores = [
        one.word_part + (unknown if meaning is None else meaning) for one, meaning in zip(found, meanings, strict=True)
    ]
    towards = _examples(found, scores, vector, _agreement(found, meanings))
    refined: list[Read] = []
    for n, (one, score, cosine) in enumerate(zip(found, scores, cosines, strict=True)):
        more = 0.0
        if towards is not None and one.vector is not None:
            more = scale.of(float(one.vector @ towards)) - (meanings[n] or 0.0)
        notes = (f"likeness to the best ones {more:+.2f}",) if abs(more) >= _WORTH_TELLING else ()
        why = replace(one.why, vector_score=cosine, fused_score=score + more, notes=(*one.why.notes, *notes))
        refined.append(replace(one, why=why))
    return sorted(refined, key=lambda one: -one.why.fused_score)


def _cosines(found: Sequence[Read], vector: "NDArray[np.float32]") -> list[float | None]:
    return [one.why.vector_score if one.vector is None else float(one.vector @ vector) for one in found]


def _of_unknown(found: Sequence[Read], meanings: Sequence[float | None]) -> float:
    """How near a passage is taken to be that has no vector yet: as near as those that were found by words as well."""
    known = [meaning for one, meaning in zip(found, meanings, strict=True) if meaning is not None and one.why.word_rank]
    return sum(known) / len(known) if known else _UNKNOWN


def _agreement(found: Sequence[Read], meanings: Sequence[float | None]) -> float:
    """How near the question the best passage by words is, from 0 for not at all to 1."""
    best = min(range(len(found)), key=lambda n: found[n].why.word_rank or len(found) * 1000)
    near = meanings[best] if found[best].why.word_rank else None
    return 0.0 if near is None else min(1.0, max(0.0, (near - _AGREED) / (1 - _AGREED)))


def _examples(
    found: Sequence[Read], scores: Sequence[float], vector: "NDArray[np.float32]", agreement: float
) -> "NDArray[np.float32] | None":
    """The question's vector moved towards the best passages; None if there is nothing to move it."""
    import numpy as np  # heavy

    best = sorted(range(len(found)), key=lambda n: -scores[n])[:_EXAMPLES]
    vectors = [(one, _EXAMPLES - rank) for rank, n in enumerate(best) if (one := found[n].vector) is not None]
    if not vectors or agreement <= 0:
        return None
    mean = np.average([one for one, _ in vectors], axis=0, weights=[weight for _, weight in vectors])
    moved = vector + _STRENGTH * agreement * mean / np.linalg.norm(mean)
    return (moved / np.linalg.norm(moved)).astype(np.float32)
