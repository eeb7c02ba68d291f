"""Asking all questions in each of the ways."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ally.rag.embeddings.base import Embedder
from ally.rag.evaluate.evaluation import Kind, Row, Way
from ally.rag.evaluate.measures import interval, mean, ndcg, percentile, recall, reciprocal_rank
from ally.rag.evaluate.questions import Question
from ally.rag.indexing.pace import Pace
from ally.rag.progress import Watcher
from ally.rag.search.asking import understand
from ally.rag.search.packing import about_tokens
from ally.rag.search.query import Query
from ally.rag.search.search import search
from ally.rag.stores.base import Collection, Scored

WAYS: tuple[Way, ...] = ("words", "vectors", "both")

_DEPTH = 10
_READ = 5
_ROOMY = 1_000_000

_Span = tuple[str, int, int, str]
"""Path, start, end and text of what was found."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """How one question was answered: for each rank the number of the target that was first found there, or -1."""

    question: Question
    ranking: tuple[int, ...]
    tokens: int
    seconds: float


def rows(
    collection: Collection,
    questions: Sequence[Question],
    embedder: Embedder,
    chunk_tokens: int,
    watcher: Watcher,
) -> Iterator[Row]:
    """For each way all questions together, and each kind of them if there are several; none after it was stopped.

    The watcher is told how many were asked.
    """
    passages = collection.facts().passages
    kinds: list[Kind] = list(dict.fromkeys(question.kind for question in questions))
    embedder.embed([questions[0].text], "query")  # what is loaded at the first question is not its fault
    pace = Pace(watcher, "asking", "questions", len(WAYS) * len(questions))
    for way in WAYS:
        answers: list[_Answer] = []
        for question in questions:
            if watcher.is_stopped():
                return
            answers.append(_answer(collection, question, embedder, way))
            pace.step()
        groups: list[Kind | Literal[""]] = ["", *kinds] if len(kinds) > 1 else [""]
        for kind in groups:
            some = [one for one in answers if kind in ("", one.question.kind)]
            yield _row(some, embedder, chunk_tokens, way, kind, passages)


def _answer(collection: Collection, question: Question, embedder: Embedder, way: Way) -> _Answer:
    began = time.perf_counter()
    spans = _ask(collection, question.text, embedder, way)
    seconds = time.perf_counter() - began
    ranking: list[int] = []
    for path, start, end, _ in spans:
        hit = (n for n, target in enumerate(question.targets) if n not in ranking and target.is_hit(path, start, end))
        ranking.append(next(hit, -1))
    return _Answer(question, tuple(ranking), sum(about_tokens(span[3]) for span in spans[:_READ]), seconds)


def _ask(collection: Collection, text: str, embedder: Embedder, way: Way) -> list[_Span]:
    """What is found, for `both` without a limit for one file: the single ways have none either."""
    if way == "both":
        hits = search([collection], Query(text, limit=_DEPTH, max_tokens=_ROOMY, per_source=_DEPTH), embedder).hits
        return [(hit.path, hit.start, hit.end, hit.text) for hit in hits]
    found: list[Scored]
    if way == "words":
        found = collection.by_words(understand(Query(text)).words, _DEPTH)
    else:
        found = collection.by_vector(embedder.embed([text], "query")[0], _DEPTH)
    stored = collection.passages([one.id for one in found])
    return [(one.path, one.passage.start, one.passage.end, one.passage.text) for one in stored]


def _row(
    answers: Sequence[_Answer], embedder: Embedder, chunk_tokens: int, way: Way, kind: Kind | Literal[""], passages: int
) -> Row:
    gains = [dict.fromkeys(range(len(one.question.targets)), 1.0) for one in answers]
    pairs = [(one.ranking, some) for one, some in zip(answers, gains, strict=True)]

    values = tuple(ndcg(ranking, some) for ranking, some in pairs)
    low, high = interval(values)
    seconds = [one.seconds for one in answers]
    return Row(
        embedder=f"{embedder.provider}/{embedder.model}",
        chunk_tokens=chunk_tokens,
        way=way,
        kind=kind,
        questions=len(answers),
        recall_1=mean([recall(ranking, some, 1) for ranking, some in pairs]),
        recall_5=mean([recall(ranking, some, 5) for ranking, some in pairs]),
        recall_10=mean([recall(ranking, some, 10) for ranking, some in pairs]),
        ndcg_10=mean(values),
        low=low,
        high=high,
        mrr=mean([reciprocal_rank(ranking, some) for ranking, some in pairs]),
        p50_ms=1000 * percentile(seconds, 0.5),
        p95_ms=1000 * percentile(seconds, 0.95),
        tokens=round(mean([one.tokens for one in answers])),
        passages=passages,
        values=values,
    )
