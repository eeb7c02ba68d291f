"""A search says when nothing answers the question."""

from collections.abc import Sequence

import pytest

from ally.rag.search.query import Query
from ally.rag.search.search import DOUBTFUL, FAR, search
from tests.embedders import WordEmbedder
from tests.unit.rag.search.shelves import MemoryCollection

PLANTS = ("tomatoes", "roses", "beans", "lilies", "ferns", "cacti", "herbs", "palms", "vines", "oaks")
DOCS = {f"/{plant}.md": f"Water {plant} in the evening and keep the {plant} out of wind." for plant in PLANTS}


@pytest.fixture
def embedder() -> WordEmbedder:
    """One whose cosines are judged: its name is that of a model that was measured."""
    return WordEmbedder("all-minilm", dim=4096)


def collection(embedder: WordEmbedder | None) -> MemoryCollection:
    made = MemoryCollection("docs", DOCS)
    if embedder is not None:
        ids, texts = zip(*made.waiting(100), strict=True)
        made.add_vectors(embedder.fingerprint, ids, embedder.embed(texts, "passage"))
    return made


def test_a_question_that_nothing_answers_has_no_hits_and_says_so(embedder: WordEmbedder):
    found = search([collection(embedder)], Query("pension scheme of railway staff", limit=4), embedder)

    assert (found.hits, found.notes) == ((), (FAR,))
    assert len(found.dropped) == 4
    assert "far from the question" in found.dropped[0].why.notes


def test_what_can_be_given_whole_is_given(embedder: WordEmbedder):
    found = search([collection(embedder)], Query("pension scheme of railway staff", limit=10), embedder)

    assert len(found.hits) == 10
    assert (found.is_doubtful, found.notes) == (True, (DOUBTFUL,))


def test_what_holds_the_words_is_never_far(embedder: WordEmbedder):
    question = Query("herbs: " + "how and why is it that they who do this were to be " * 8, limit=4)

    found = search([collection(embedder)], question, embedder)

    assert found.hits[0].path == "/herbs.md"


def test_a_good_question_has_no_notes(embedder: WordEmbedder):
    found = search([collection(embedder)], Query("when to water roses?", limit=4), embedder)

    assert (found.hits[0].path, found.notes, found.is_doubtful) == ("/roses.md", (), False)


def test_cosines_of_a_model_that_nobody_measured_are_not_judged():
    unknown = WordEmbedder("unheard-of", dim=4096)

    found = search([collection(unknown)], Query("pension scheme of railway staff", limit=4), unknown)

    assert (len(found.hits), found.notes) == (4, ())


def test_words_alone_that_are_hardly_there_are_doubtful():
    found = search([collection(None)], Query("evening trains of the northern railway", limit=4), None)

    assert (len(found.hits), found.notes) == (4, (DOUBTFUL,))


def test_files_that_may_not_be_shown_are_neither_given_nor_sorted(embedder: WordEmbedder):
    sent: list[str] = []

    class Listening:
        def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
            sent.extend(texts)
            return [1.0] * len(texts)

        def close(self) -> None:
            pass

    def may_show(path: str) -> bool:
        return path != "/roses.md"

    found = search([collection(embedder)], Query("when to water roses?", limit=4), embedder, Listening(), may_show)

    assert found.left_out == 1
    assert sent
    assert not any("roses" in text for text in [*sent, *(hit.text for hit in (*found.hits, *found.dropped))])
