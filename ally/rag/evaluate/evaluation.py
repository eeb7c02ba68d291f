"""What an evaluation is told and what it gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Way = Literal["words", "vectors", "both"]
Kind = Literal["titles", "headings", "sentences", "generated"]


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured.

    `passages` is about how many the sample has at most, `questions` the same; `chunk_tokens` are the lengths of
    passages to compare, () the usual one. `ask` writes a question that a text answers, "" if it cannot: with it,
    questions are generated, from the files that `may_ask` allows.
    """

    passages: int = 1000
    questions: int = 200
    chunk_tokens: Sequence[int] = ()
    ask: Callable[[str], str] | None = None
    may_ask: Callable[[str], bool] = lambda path: True


@dataclass(frozen=True, slots=True)
class Row:
    """One way to search one kind of passages. `kind` is that of the questions, "" for all of them together.

    Shares and nDCG are from 0 to 1; `mrr` looks at the first ten. 95 % of the means of resampled questions lie from
    `low` to `high`. Times are those of a search with the embedding of its question. `tokens` is about what the first
    five hits cost in a prompt. `passages` were searched. `values` is the nDCG of each question, in the same order in
    all rows of a kind.
    """

    embedder: str
    chunk_tokens: int
    way: Way
    kind: Kind | Literal[""]
    questions: int
    recall_1: float
    recall_5: float
    recall_10: float
    ndcg_10: float
    low: float
    high: float
    mrr: float
    p50_ms: float
    p95_ms: float
    tokens: int
    passages: int
    values: tuple[float, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Rows in the order in which they were measured: embedders, lengths, ways, kinds.

    `notes` say how far to trust it. It is not `is_complete` if it was stopped.
    """

    name: str
    rows: tuple[Row, ...]
    documents: int
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    is_complete: bool = True
