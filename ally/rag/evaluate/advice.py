"""What an evaluation says should be changed, if anything, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

from ally.rag.evaluate.evaluation import Evaluation, Row, Way
from ally.rag.evaluate.measures import interval, mean

_WORTH = 0.01
"""A smaller difference of nDCG@10 nobody notices, however sure it is."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more nDCG@10 one row has than another; with `confidence` it is from `low` to `high`."""

    mean: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether it can hardly be chance."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.mean:+.3f} nDCG@10, {self.low:+.3f} to {self.high:+.3f}"


def difference(better: Row, worse: Row, confidence: float = 0.95) -> Difference:
    """Of two rows of one evaluation, question by question."""
    each = [one - other for one, other in zip(better.values, worse.values, strict=True)]
    return Difference(mean(each), *interval(each, confidence))


def advise(evaluation: Evaluation) -> str:
    """One or two sentences. The first variant is what is in use; the others are compared with it.

    With several of them each has to be surer, so that one of many does not look better by chance.
    """
    rows = overall(evaluation, "both")
    if not rows:
        return "Nothing was measured to the end."
    used, *others = rows
    if not others:
        return _of_ways(evaluation, used)
    confidence = 1 - 0.05 / len(others)
    compared = [(difference(other, used, confidence), other) for other in others]
    better = [pair for pair in compared if pair[0].is_sure and pair[0].mean >= _WORTH]
    if better:
        found, row = max(better, key=lambda pair: pair[0].mean)
        return f"{_change(row, used, evaluation.name)} It finds more, and that is hardly chance: {found}."
    found, row = max(compared, key=lambda pair: pair[0].mean)
    worse = [pair for pair in compared if pair[0].is_sure and pair[0].mean < 0]
    if len(worse) == len(compared):
        return (
            f"Leave it as it is: everything else finds less, and that is hardly chance ({_name(row, used)}: {found})."
        )
    return f"Leave it as it is: the differences are noise ({_name(row, used)}: {found})."


def overall(evaluation: Evaluation, way: Way) -> list[Row]:
    """The rows of one way for all questions together, one for each variant."""
    return [row for row in evaluation.rows if row.way == way and row.kind == ""]


def _of_ways(evaluation: Evaluation, both: Row) -> str:
    """Nothing was compared but the ways to search."""
    words, vectors = overall(evaluation, "words")[0], overall(evaluation, "vectors")[0]
    best = max((words, vectors), key=lambda row: row.ndcg_10)
    found = difference(both, best)
    if found.is_sure and found.mean < -_WORTH:
        if best is words:
            return (
                f"{both.embedder} does not suit these texts: words alone find more, and that is hardly chance"
                f" ({found}). Try --embedder with another one, above all if they are not in English."
            )
        return f"Vectors alone find more here than together with words, and that is hardly chance ({found})."
    than = "words" if best is words else "vectors"
    if found.is_sure:
        return f"Leave it as it is: both together find more than {than} alone, and that is hardly chance ({found})."
    return (
        f"Leave it as it is: both together find as much as {than} alone; the difference is noise ({found})."
        " --chunk-tokens and --embedder compare other ways."
    )


def _change(row: Row, used: Row, name: str) -> str:
    changes: list[str] = []
    if row.embedder != used.embedder:
        provider, _, model = row.embedder.partition("/")
        changes += [f"ally config set embedding_provider {provider}", f"ally config set embedding_model {model}"]
    if row.chunk_tokens != used.chunk_tokens:
        changes.append(f"ally config set knowledge.chunk_tokens {row.chunk_tokens}")
    return f"Run {', '.join(changes)}, then ally kb sync {name} --rebuild."


def _name(row: Row, used: Row) -> str:
    if row.embedder == used.embedder:
        return f"{row.chunk_tokens} tokens"
    return row.embedder if row.chunk_tokens == used.chunk_tokens else f"{row.embedder}, {row.chunk_tokens} tokens"


def kinds(evaluation: Evaluation, of: Row) -> Sequence[Row]:
    """The rows of the single kinds of questions that `of` is about all of."""
    return [
        row
        for row in evaluation.rows
        if row.kind and (row.embedder, row.chunk_tokens, row.way) == (of.embedder, of.chunk_tokens, of.way)
    ]
