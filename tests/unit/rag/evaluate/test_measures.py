"""Measures of a ranking, against values worked out by hand."""

import math

import pytest

from ally.rag.evaluate.measures import ndcg, percentile, recall, reciprocal_rank


def test_the_best_order_has_an_ndcg_of_one():
    assert ndcg(["a", "b", "x"], {"a": 3, "b": 1}) == 1.0


def test_gains_count_less_the_later_they_come():
    reached = 1 / math.log2(2) + 3 / math.log2(4)
    ideal = 3 / math.log2(2) + 1 / math.log2(3)

    assert ndcg(["b", "x", "a"], {"a": 3, "b": 1}) == pytest.approx(reached / ideal)


def test_what_comes_after_the_depth_counts_for_nothing():
    assert ndcg([*"1234567890", "a"], {"a": 1}) == 0.0
    assert recall([*"1234567890", "a"], {"a": 1}, 10) == 0.0
    assert reciprocal_rank([*"1234567890", "a"], {"a": 1}) == 0.0


def test_recall_is_the_share_of_what_is_relevant():
    assert recall(["a", "x", "b"], {"a": 1, "b": 1, "c": 1, "d": 1}, 2) == 0.25


def test_the_reciprocal_rank_is_that_of_the_first():
    assert reciprocal_rank(["x", "a", "b"], {"a": 1, "b": 1}) == 0.5


def test_nothing_relevant_is_no_error():
    assert (ndcg(["a"], {}), recall(["a"], {}, 5), reciprocal_rank(["a"], {})) == (0.0, 0.0, 0.0)


def test_percentiles_are_values_that_were_measured():
    values = [float(n) for n in range(1, 101)]

    assert (percentile(values, 0.5), percentile(values, 0.95), percentile(values, 1)) == (50, 95, 100)
    assert percentile([], 0.5) == 0.0
