"""`python -m benchmarks.retrieval`: how well questions with known answers are found, by words, by vectors and by both.

The sets are not part of Ally: `--cranfield` is a folder with `cran.all.1400`, `cran.qry` and `cranqrel`, `--python-doc`
the HTML of Python's documentation (Debian: python3-doc), `--postgres-doc` that of PostgreSQL's (postgresql-doc). Texts
are cut, kept and embedded as `ally kb add` does it; `--keep` is a folder for the collections, so that a second run
embeds nothing.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from ally.config.paths import find_paths
from ally.rag.chunking import chunk
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted
from ally.rag.embeddings.base import Embedder
from ally.rag.embeddings.local import open_local
from ally.rag.evaluate.measures import ndcg, percentile, recall, reciprocal_rank
from ally.rag.indexing.vectors import fill
from ally.rag.progress import Progress, Watcher
from ally.rag.search.asking import understand
from ally.rag.search.query import Query
from ally.rag.search.search import search
from ally.rag.stores.base import Collection, FileState, Scored
from ally.rag.stores.embedded import EmbeddedShelf
from benchmarks.report import RESULTS, describe_machine
from benchmarks.retrieval_sets import JudgedSet, Question, cranfield, postgres_doc, python_doc

TARGET_TOKENS = 224
_DEPTH = 128
_RRF = 60
_RESAMPLED = 2000

Ask = Callable[[str], list[str]]
"""The documents found for a question, best first."""


@dataclass(frozen=True, slots=True)
class Score:
    """One way on one group of questions. `low` and `high` hold 95 % of the means of resampled questions."""

    judged: str
    group: str
    way: str
    questions: int
    ndcg_10: float
    low: float
    high: float
    halves: tuple[float, float]
    recall_10: float
    mrr: float
    cpu_ms: float
    p50_ms: float
    p95_ms: float


def take_in(judged: JudgedSet, collection: Collection, embedder: Embedder) -> None:
    """Cut, keep and embed the texts of a set, as far as that was not done before."""
    limits = ChunkLimits(embedder.max_tokens, TARGET_TOKENS, embedder.counter)
    known = collection.files()
    with collection.writing():
        if collection.facts().fingerprint != embedder.fingerprint:
            collection.set_embedder(embedder.fingerprint)
        for text in judged.texts:
            if text.path not in known:
                document = Extracted(text.text, "text", title=text.title)
                state = FileState(text.path, len(text.text), 0, text.path)
                collection.put(state, document, chunk(document, limits))
        fill(collection, embedder, (), Watcher(on_progress=_tell), problems=[])


def _tell(progress: Progress) -> None:
    print(f"\r{progress.done:,} of {progress.total:,} passages embedded", end="", file=sys.stderr, flush=True)


def ways(collection: Collection, embedder: Embedder) -> dict[str, Ask]:
    """What is compared: each leg alone, both with equal weight by their ranks, and Ally's search.

    Pairs are words that stand side by side in the question; Ally's search looks for them as well.
    """

    def documents(found: Sequence[Scored]) -> list[str]:
        return list(dict.fromkeys(one.path for one in collection.passages([one.id for one in found])))

    def words(text: str) -> list[str]:
        return documents(collection.by_words(understand(Query(text)).words, _DEPTH))

    def pairs(text: str) -> list[str]:
        asked = understand(Query(text))
        return documents(collection.by_words([*asked.phrases, *asked.words, *asked.pairs], _DEPTH))

    def vectors(text: str) -> list[str]:
        return documents(collection.by_vector(embedder.embed([text], "query")[0], _DEPTH))

    def ranks(text: str) -> list[str]:
        scores: dict[str, float] = {}
        for ranking in (words(text), vectors(text)):
            for rank, document in enumerate(ranking, 1):
                scores[document] = scores.get(document, 0.0) + 1 / (_RRF + rank)
        return sorted(scores, key=lambda document: -scores[document])

    def ally(text: str) -> list[str]:
        query = Query(text, limit=10, max_tokens=1_000_000, per_source=1)
        return [hit.path for hit in search([collection], query, embedder).hits]

    return {
        "words (BM25)": words,
        "words and pairs": pairs,
        "vectors": vectors,
        "both, ranks added (RRF)": ranks,
        "both (Ally)": ally,
    }


def measure(judged: str, group: str, way: str, ask: Ask, questions: Sequence[Question]) -> Score:
    """Ask all `questions`."""
    ask(questions[0].text)
    began, clock = time.process_time(), time.perf_counter
    rankings: list[list[str]] = []
    walls: list[float] = []
    for question in questions:
        start = clock()
        rankings.append(ask(question.text))
        walls.append(clock() - start)
    cpu_ms = 1000 * (time.process_time() - began) / len(questions)
    pairs = [(ranking, question.gains) for ranking, question in zip(rankings, questions, strict=True)]
    values = [ndcg(ranking, gains) for ranking, gains in pairs]
    low, high = _interval(values)
    return Score(
        judged=judged,
        group=group,
        way=way,
        questions=len(questions),
        ndcg_10=_mean(values),
        low=low,
        high=high,
        halves=(_mean(values[::2]), _mean(values[1::2])),
        recall_10=_mean([recall(ranking, gains, 10) for ranking, gains in pairs]),
        mrr=_mean([reciprocal_rank(ranking, gains) for ranking, gains in pairs]),
        cpu_ms=cpu_ms,
        p50_ms=1000 * percentile(walls, 0.5),
        p95_ms=1000 * percentile(walls, 0.95),
    )


def _interval(values: Sequence[float]) -> tuple[float, float]:
    chance = random.Random(1)
    means = [_mean(chance.choices(values, k=len(values))) for _ in range(_RESAMPLED)]
    return percentile(means, 0.025), percentile(means, 0.975)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def write_table(scores: Sequence[Score]) -> str:
    """A Markdown table."""
    lines = [
        "| set | questions | way | nDCG@10 | 95 % | halves | recall@10 | MRR@10 | CPU ms |",
        "|---|---|---|---:|---|---|---:|---:|---:|",
        *(
            f"| {one.judged} | {one.questions} {one.group} | {one.way} | {one.ndcg_10:.3f} | {one.low:.3f} to"
            f" {one.high:.3f} | {one.halves[0]:.3f}, {one.halves[1]:.3f} | {one.recall_10:.3f} | {one.mrr:.3f}"
            f" | {one.cpu_ms:.0f} |"
            for one in scores
        ),
        "",
        "halves: every second question, beginning with the first, and the others. CPU: of one question in this process,"
        " without the embedding of the question, which another process does.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure the sets that are there; 1 if there is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cranfield", type=Path, help="folder of the Cranfield collection")
    parser.add_argument("--python-doc", type=Path, help="folder of Python's documentation as HTML")
    parser.add_argument("--postgres-doc", type=Path, help="folder of PostgreSQL's documentation as HTML")
    parser.add_argument("--keep", type=Path, help="folder for the collections; without it they are removed at the end")
    parser.add_argument("--most", type=int, default=500, help="questions of a group (a fixed sample; default 500)")
    parser.add_argument("--no-save", action="store_true", help="leave benchmarks/results/ as it is")
    args = parser.parse_args()
    sets = [cranfield(args.cranfield)] if args.cranfield else []
    sets += [python_doc(args.python_doc)] if args.python_doc else []
    sets += [postgres_doc(args.postgres_doc)] if args.postgres_doc else []
    if not sets:
        parser.error("give --cranfield, --python-doc or --postgres-doc")
    with tempfile.TemporaryDirectory() as folder, closing(open_local(find_paths(os.environ), None)) as embedder:
        scores = [
            score for judged in sets for score in _measure(judged, args.keep or Path(folder), embedder, args.most)
        ]
    table = write_table(scores)
    print(describe_machine(), table, sep="\n\n", end="")
    if not args.no_save:
        head = f"# Retrieval\n\n{describe_machine()}\n\nEmbedder: {embedder.fingerprint}; passages of up to"
        (RESULTS / "retrieval.md").write_text(f"{head} {TARGET_TOKENS} tokens.\n\n{table}")
        (RESULTS / "retrieval.json").write_text(json.dumps([asdict(score) for score in scores], indent=1) + "\n")
    return 0


def _measure(judged: JudgedSet, folder: Path, embedder: Embedder, most: int) -> list[Score]:
    with closing(EmbeddedShelf(folder)) as shelf, closing(shelf.create(judged.name)) as collection:
        take_in(judged, collection, embedder)
        found: list[Score] = []
        for group, questions in judged.questions.items():
            some = random.Random(3).sample(questions, most) if len(questions) > most else questions
            for way, ask in ways(collection, embedder).items():
                found.append(measure(judged.name, group, way, ask, some))
    return found


if __name__ == "__main__":
    sys.exit(main())
