"""What an evaluation advises, and how sure it says to be."""

import pytest

from ally.rag.evaluate import Evaluation, Row
from ally.rag.evaluate.advice import advise
from ally.rag.evaluate.evaluation import Way
from ally.rag.evaluate.measures import interval
from ally.rag.evaluate.writing import question_of

GOOD, BAD = [1.0, 0.6, 1.0, 0.8] * 10, [0.5, 0.1, 0.6, 0.3] * 10
MIXED = [0.0, 1.0] * 20


def row(values: list[float], way: Way = "both", tokens: int = 224, embedder: str = "local/small") -> Row:
    mean = sum(values) / len(values)
    shares = {"recall_1": 0.1, "recall_5": 0.2, "recall_10": 0.3, "mrr": 0.1, "low": 0.0, "high": 1.0}
    times = {"p50_ms": 1.0, "p95_ms": 2.0}
    return Row(
        embedder, tokens, way, "", 40, ndcg_10=mean, tokens=9, passages=99, values=tuple(values), **shares, **times
    )


def advice(*rows: Row) -> str:
    return advise(Evaluation("docs", rows, 5))


def test_a_length_that_is_surely_better_comes_with_its_commands():
    told = advice(row(BAD), row(GOOD, tokens=96))

    assert told.startswith("Run ally config set knowledge.chunk_tokens 96, then ally kb sync docs --rebuild.")
    assert "hardly chance: +0.475 nDCG@10" in told


def test_an_embedder_that_is_surely_better_comes_with_its_commands():
    told = advice(row(BAD), row(GOOD, embedder="ollama/nomic/embed"))

    assert "ally config set embedding_provider ollama, ally config set embedding_model nomic/embed, then" in told


def test_differences_within_chance_are_called_noise():
    told = advice(row(MIXED), row(MIXED[::-1], tokens=96), row(MIXED, tokens=128))

    assert told.startswith("Leave it as it is: the differences are noise (")


def test_what_is_in_use_may_be_the_best():
    assert "everything else finds less" in advice(row(GOOD), row(BAD, tokens=96))


@pytest.mark.parametrize(
    ("words", "vectors", "both", "told"),
    [
        (BAD, BAD, GOOD, "Leave it as it is: both together find more than words alone"),
        (GOOD, BAD, BAD, "local/small does not suit these texts: words alone find more"),
        (BAD, GOOD, BAD, "Vectors alone find more here than together with words"),
        (BAD, GOOD, GOOD, "Leave it as it is: both together find as much as vectors alone; the difference is noise"),
    ],
)
def test_with_nothing_to_compare_the_ways_are(words: list[float], vectors: list[float], both: list[float], told: str):
    assert advice(row(words, "words"), row(vectors, "vectors"), row(both)).startswith(told)


def test_a_stopped_evaluation_advises_nothing():
    assert advice() == "Nothing was measured to the end."


def test_an_interval_holds_the_mean_and_is_narrower_for_more_questions():
    low, high = interval(MIXED)
    wide_low, wide_high = interval(MIXED[:8])

    assert wide_low < low < 0.5 < high < wide_high
    assert interval([]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("reply", "question"),
    [
        ("How is the router reset?", "How is the router reset?"),
        ('<think>The text\nis</think>\n**Question:** "How is the router reset?"\nI hope', "How is the router reset?"),
        ("", ""),
        ("Yes.", ""),
        ("<think>never ends, and says: How is it?", ""),
        ("word " * 200, ""),
    ],
)
def test_the_question_in_an_answer_of_a_model(reply: str, question: str):
    assert question_of(reply) == question
