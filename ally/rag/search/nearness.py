"""Whether what was found can answer the question at all: the nearest passages are always some distance away.

Cosines mean something else for each model, so they are judged only for models that were measured (`far` and `doubtful`
in known.json). A passage that holds most words of the question is never called far. How the numbers were found:
docs/design/knowledge-search.md.
"""

from collections.abc import Sequence
from typing import Literal

from ally.rag.embeddings.base import Embedder
from ally.rag.embeddings.known import find_model
from ally.rag.search.asking import Asked
from ally.rag.search.legs import Legs
from ally.rag.search.reading import Read

Nearness = Literal["near", "doubtful", "far"]
"""`far`: hardly anything found answers the question. `doubtful`: maybe not."""

_FIRST = 5
_MOST_WORDS = 0.66
_FEW_WORDS = 0.34


def judge(legs: Sequence[Legs], found: Sequence[Read], asked: Asked, embedder: Embedder | None, room: int) -> Nearness:
    """How near the question the best of what was found is.

    Nothing is far in collections that have no more than `room` passages: all of them can be given.
    """
    looked_for = [*asked.words, *asked.earlier]
    if not found or not looked_for:
        return "near"
    share = max((len(one.why.words) for one in found if _is_first(one)), default=0) / len(looked_for)
    searched = [one for one in legs if one.passages]
    if not any(one.vectors for one in searched):
        return "doubtful" if share < _FEW_WORDS else "near"
    if embedder is None or not all(one.vectors for one in searched):
        return "near"
    model = find_model(embedder.model)
    nearest = max(one.vectors[0].score for one in searched)
    has_words = share > _MOST_WORDS
    if nearest < model.far:
        is_small = sum(one.passages for one in searched) <= room
        return "doubtful" if has_words or is_small else "far"
    return "doubtful" if nearest < model.doubtful and not has_words else "near"


def _is_first(one: Read) -> bool:
    return any(rank is not None and rank <= _FIRST for rank in (one.why.word_rank, one.why.vector_rank))
