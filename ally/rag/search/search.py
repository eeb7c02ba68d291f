"""From a question to the passages that answer it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ally.rag.embeddings.base import Embedder
from ally.rag.search.asking import understand
from ally.rag.search.fusing import fuse, scale_of, word_weight
from ally.rag.search.hit import Found, Hit
from ally.rag.search.legs import ask_all
from ally.rag.search.nearness import judge
from ally.rag.search.packing import pack
from ally.rag.search.query import Query
from ally.rag.search.reading import Read, read
from ally.rag.search.refining import refine
from ally.rag.search.reranking import Reranker, rerank
from ally.rag.stores.base import Collection

CANDIDATES = 48
"""How many passages are read, at least: enough to choose from after repetitions are left out."""


FAR = "Nothing comes near the question."
DOUBTFUL = "Nothing comes very near the question; what was found may not answer it."
_FAR = "far from the question"

MayShow = Callable[[str], bool]
"""Whether the file of a path may be shown to whoever asks."""


def search(
    collections: Sequence[Collection],
    query: Query,
    embedder: Embedder | None,
    reranker: Reranker | None = None,
    may_show: MayShow = lambda path: True,
) -> Found:
    """The passages of `collections` that answer `query`, best first, with the reasons why.

    Vectors are asked where `embedder` made them; where there are none, or it fails, the words alone decide and a note
    says so. `reranker` sorts the best ones once more. What `may_show` refuses is neither given nor sent to it. Where
    everything is far from the question there are no hits; the nearest are among `dropped`.

    Raises:
        StorageError: a collection cannot be read.
    """
    asked = understand(query)
    legs, work = ask_all(collections, asked, embedder)
    scale = scale_of(legs)
    candidates = fuse(legs, word_weight(asked.function_share), scale, max(CANDIDATES, 4 * query.limit))
    refined = refine(read(candidates, asked), work.vector, scale)
    found, left_out = _shown(refined, may_show, query.limit)
    nearness = judge(legs, found, asked, embedder, query.limit)
    if nearness == "far":
        packed = pack(found, query)
        dropped = (*map(_as_far, packed.hits), *packed.dropped)
        return Found(asked.text, (), (*work.notes, FAR), dropped, left_out=left_out)
    reranked = rerank(found, asked.text, reranker)
    packed = pack(reranked.found, query)
    notes = (*work.notes, reranked.note, DOUBTFUL if nearness == "doubtful" else "")
    return Found(asked.text, packed.hits, tuple(filter(None, notes)), packed.dropped, nearness == "doubtful", left_out)


def _shown(found: Sequence[Read], may_show: MayShow, limit: int) -> tuple[list[Read], int]:
    """What may be shown of `found`, and how many of the first `limit` may not."""
    allowed = {path: may_show(path) for path in {one.stored.path for one in found}}
    left_out = sum(not allowed[one.stored.path] for one in found[:limit])
    return [one for one in found if allowed[one.stored.path]], left_out


def _as_far(hit: Hit) -> Hit:
    return replace(hit, why=replace(hit.why, notes=(*hit.why.notes, _FAR)))
