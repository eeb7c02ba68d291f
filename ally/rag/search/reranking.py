"""Sorting what was found once more, by a model that reads question and passage together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ally.errors import AllyError
from ally.rag.search.reading import Read

MOST = 48
"""Passages that are sent; each of them costs time, and those behind them are hardly ever right."""

_LONGEST = 8_000


class Reranker(Protocol):
    """One model; threads may share it."""

    def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each of `texts` answers `query`, in their order; higher is better.

        Args:
            texts: n texts, n ≥ 1, none empty.

        Raises:
            AllyError: it cannot be had now.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Reranked:
    """What was found in its new order. `note` says why it is still the old one."""

    found: list[Read]
    note: str = ""


def rerank(found: Sequence[Read], query: str, reranker: Reranker | None) -> Reranked:
    """The first 48 of `found` as `reranker` sorts them, the others behind them; where it fails all stay as they are."""
    if reranker is None or not found or not query:
        return Reranked(list(found))
    first, others = found[:MOST], found[MOST:]
    try:
        scores = reranker.rerank(query[:_LONGEST], [one.stored.passage.searched for one in first])
    except AllyError as error:
        return Reranked(list(found), f"Not reranked: {error.message}")
    if len(scores) != len(first) or not all(map(math.isfinite, scores)):
        return Reranked(list(found), f"Not reranked: {len(scores)} usable scores came for {len(first)} passages.")
    scored = [replace(one, why=replace(one.why, rerank_score=score)) for one, score in zip(first, scores, strict=True)]
    scored.sort(key=lambda one: -(one.why.rerank_score or 0.0))
    return Reranked([*scored, *others])
