"""From a question to the passages that answer it."""

from collections.abc import Sequence

from ally.rag.embeddings.base import Embedder
from ally.rag.search.asking import understand
from ally.rag.search.fusing import fuse, scale_of, word_weight
from ally.rag.search.hit import Found
from ally.rag.search.legs import ask_all
from ally.rag.search.packing import pack
from ally.rag.search.query import Query
from ally.rag.search.reading import read
from ally.rag.search.refining import refine
from ally.rag.search.reranking import Reranker, rerank
from ally.rag.stores.base import Collection

CANDIDATES = 48
"""How many passages are read, at least: enough to choose from after repetitions are left out."""


def search(
    collections: Sequence[Collection], query: Query, embedder: Embedder | None, reranker: Reranker | None = None
) -> Found:
    """The passages of `collections` that answer `query`, best first, with the reasons why.

    Vectors are asked where `embedder` made them; where there are none, or it fails, the words alone decide and a note
    says so. `reranker` sorts the best ones once more.

    Raises:
        StorageError: a collection cannot be read.
    """
    asked = understand(query)
    legs, work = ask_all(collections, asked, embedder)
    scale = scale_of(legs)
    candidates = fuse(legs, word_weight(asked.function_share), scale, max(CANDIDATES, 4 * query.limit))
    found = refine(read(candidates, asked), work.vector, scale)
    reranked = rerank(found, asked.text, reranker)
    packed = pack(reranked.found, query)
    notes = [*work.notes, reranked.note] if reranked.note else work.notes
    return Found(asked.text, packed.hits, tuple(notes), packed.dropped)
