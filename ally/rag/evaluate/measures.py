"""Measures of a ranking, given what should have been found."""

import math
import random
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

_RESAMPLED = 1000


def ndcg(ranking: Sequence[T], gains: Mapping[T, float], depth: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `depth`: 1 is the best order there could be.

    `gains` has what is relevant; its values are greater than 0. Linear gain, discount log2(rank + 1).

    Source: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002.
    """
    best = sorted(gains.values(), reverse=True)[:depth]
    ideal = sum(gain / math.log2(rank + 1) for rank, gain in enumerate(best, 1))
    reached = sum(gains.get(one, 0.0) / math.log2(rank + 1) for rank, one in enumerate(ranking[:depth], 1))
    return reached / ideal if ideal else 0.0


def recall(ranking: Sequence[T], gains: Mapping[T, float], depth: int) -> float:
    """The share of what is relevant among the first `depth`."""
    return sum(one in gains for one in ranking[:depth]) / len(gains) if gains else 0.0


def reciprocal_rank(ranking: Sequence[T], gains: Mapping[T, float], depth: int = 10) -> float:
    """1 / the rank of the first that is relevant; 0 if there is none among the first `depth`."""
    return next((1 / rank for rank, one in enumerate(ranking[:depth], 1) if one in gains), 0.0)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie, of those that were measured; 0 of none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, math.ceil(share * len(ranked)) - 1 if share else 0)] if ranked else 0.0


def mean(values: Sequence[float]) -> float:
    """Their mean; 0 of none."""
    return sum(values) / len(values) if values else 0.0


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Where `confidence` of the means lie, if questions are drawn anew (bootstrap); the same for the same values."""
    chance = random.Random(1)  # noqa: S311 - nothing secret
    means = [mean(chance.choices(values, k=len(values))) for _ in range(_RESAMPLED)] if values else []
    return percentile(means, (1 - confidence) / 2), percentile(means, (1 + confidence) / 2)
