"""A collection is measured with questions made of itself."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ally.errors import KnowledgeError
from ally.rag.chunking import chunk
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted, Heading
from ally.rag.evaluate import Evaluation, Options, evaluate
from ally.rag.evaluate.questions import Target, make_questions
from ally.rag.progress import Progress, Watcher
from ally.rag.stores.base import Collection, FileState
from ally.rag.stores.embedded import EmbeddedShelf
from tests.embedders import WordEmbedder

TOPICS = ("router", "printer", "coffee machine", "garden hose", "bicycle", "telescope")
VERBS = ("clean", "repair", "store", "move")


def document(topic: str) -> Extracted:
    """A page on `topic` with a section for each verb; no section repeats its heading."""
    text, headings = f"All there is to know of what stands in the house since {len(topic)} years and more.\n\n", []
    for number, verb in enumerate(VERBS, 1):
        name = f"{number}. How to {verb} the {topic}"
        headings.append(Heading(len(text), 2, name))
        text += (
            f"{name}\n\nTake what you need to {verb} your {topic} and put it on the table. Then wait {number * 7}"
            f" minutes, look after the {topic} twice, and {verb} until nothing is left. Ask about step {number}.\n\n"
        )
    return Extracted(text, "markdown", headings=tuple(headings))


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    with closing(EmbeddedShelf(tmp_path)) as shelf, closing(shelf.create("house")) as made:
        with made.writing():
            for topic in TOPICS:
                page = document(topic)
                made.put(FileState(f"/{topic}.md", len(page.text), 0, topic), page, chunk(page, ChunkLimits()))
        yield made


@pytest.fixture
def measured(collection: Collection) -> Evaluation:
    return evaluate(collection, [WordEmbedder(dim=256)], Options(questions=24))


def test_each_way_is_measured_for_all_questions_and_each_kind(measured: Evaluation):
    assert [(row.way, row.kind) for row in measured.rows] == [
        (way, kind) for way in ("words", "vectors", "both") for kind in ("", "headings", "sentences")
    ]
    assert {row.questions for row in measured.rows if row.kind == ""} == {24}
    assert all(0 <= row.recall_1 <= row.recall_5 <= row.recall_10 <= 1 for row in measured.rows)
    assert all(0 < row.p50_ms <= row.p95_ms and row.tokens > 0 for row in measured.rows)
    assert measured.documents == len(TOPICS)
    assert measured.is_complete


def test_what_can_be_found_is_found(measured: Evaluation):
    both = next(row for row in measured.rows if row.way == "both")

    assert both.recall_10 > 0.6
    assert both.embedder == "words/bag"


def test_the_same_collection_gives_the_same_figures(collection: Collection, measured: Evaluation):
    again = evaluate(collection, [WordEmbedder(dim=256)], Options(questions=24))

    assert [replace(row, p50_ms=0, p95_ms=0) for row in again.rows] == [
        replace(row, p50_ms=0, p95_ms=0) for row in measured.rows
    ]


def test_headings_that_ask_are_not_in_what_is_searched(collection: Collection):
    embedder = WordEmbedder()

    evaluate(collection, [embedder], Options(questions=24))

    passages = [text for text in embedder.embedded if "Take what" in text or "Then wait" in text]
    assert passages
    assert not any("How to" in text for text in passages)


def test_lengths_and_embedders_stand_side_by_side(collection: Collection):
    embedders = [WordEmbedder("one"), WordEmbedder("two", dim=32)]

    found = evaluate(collection, embedders, Options(questions=6, chunk_tokens=(48, 200)))

    assert list(dict.fromkeys((row.embedder, row.chunk_tokens) for row in found.rows)) == [
        ("words/one", 48),
        ("words/one", 200),
        ("words/two", 48),
        ("words/two", 200),
    ]
    assert found.rows[0].passages > found.rows[-1].passages


def test_the_collection_itself_stays_as_it_was(collection: Collection):
    before = collection.facts()

    evaluate(collection, [WordEmbedder()], Options(questions=4))

    assert collection.facts() == before


def test_stopped_it_gives_what_was_complete(collection: Collection):
    stopped: list[bool] = []
    seen: list[Progress] = []

    def see(progress: Progress) -> None:
        seen.append(progress)
        if len(stopped) == 0 and progress.done == progress.total > 0:
            stopped.append(True)

    watcher = Watcher(on_progress=see, is_stopped=lambda: bool(stopped))
    found = evaluate(collection, [WordEmbedder()], Options(questions=6, chunk_tokens=(64, 128)), watcher)

    assert not found.is_complete
    assert {row.chunk_tokens for row in found.rows} <= {64}
    assert {progress.phase for progress in seen} == {"embedding"}


def test_generated_questions_are_asked_where_there_is_a_model(collection: Collection):
    found = evaluate(collection, [WordEmbedder()], Options(questions=9, ask=lambda text: f"What about {text[:30]}?"))

    assert {row.kind for row in found.rows} == {"", "headings", "sentences", "generated"}


def test_a_collection_that_asks_nothing_says_so(tmp_path: Path):
    with closing(EmbeddedShelf(tmp_path)) as shelf, closing(shelf.create("numbers")) as made:
        with made.writing():
            made.put(FileState("/n.txt", 3, 0, "n"), Extracted("1 2 3", "text"), [])

        with pytest.raises(KnowledgeError, match="Only 0 questions can be made of numbers"):
            evaluate(made, [WordEmbedder()])


def test_a_heading_that_many_sections_have_asks_for_nothing():
    text = "Examples of use\n\n" + "Some text that is long enough to be an answer to something, or so it seems. " * 2
    pages = {f"/{n}.md": Extracted(text, "markdown", headings=(Heading(0, 1, "Examples of use"),)) for n in range(4)}

    assert not [one for one in make_questions(pages, 10, None).found if one.kind == "headings"]


@pytest.mark.parametrize(
    ("start", "end", "is_hit"),
    [(100, 200, True), (0, 150, True), (120, 140, True), (190, 400, False), (200, 300, False)],
)
def test_a_hit_shares_half_of_itself_or_of_the_answer(start: int, end: int, is_hit: bool):
    assert Target("/a", 100, 200).is_hit("/a", start, end) is is_hit
    assert not Target("/a", 100, 200).is_hit("/b", start, end)


def test_a_model_writes_no_questions_of_files_that_it_may_not_see(collection: Collection):
    seen: list[str] = []

    def ask(text: str) -> str:
        seen.append(text)
        return "What about this thing here?"

    options = Options(questions=24, ask=ask, may_ask=lambda path: "printer" not in path)
    evaluate(collection, [WordEmbedder()], options)

    assert seen
    assert not any("printer" in text for text in seen)


def test_what_was_embedded_for_one_length_is_not_embedded_again(collection: Collection):
    embedder = WordEmbedder()

    evaluate(collection, [embedder], Options(questions=10, chunk_tokens=(100, 200, 200, 250)))

    passages = [text for text in embedder.embedded if "Ask about step" in text]
    assert len(passages) == len(set(passages))
