"""From a question to passages, over collections in memory."""

from collections.abc import Sequence

import pytest

from ally.errors import Unreachable
from ally.rag.search.query import Query
from ally.rag.search.search import search
from tests.embedders import WordEmbedder
from tests.unit.rag.search.shelves import MemoryCollection

DOCS = {
    "/docs/router.md": (
        "To reset the router hold the red button for ten seconds.\n\n"
        "The light blinks while it starts again.\n\n"
        "The address of its pages is printed on the bottom."
    ),
    "/docs/printer.md": "The printer takes paper of two sizes.\n\nClean the rollers of the printer once a month.",
    "/docs/coffee.md": "Descale the coffee machine with vinegar.\n\nThe grinder has eight steps.",
}


def filled(name: str = "docs", documents: dict[str, str] = DOCS, embedder: WordEmbedder | None = None):
    collection = MemoryCollection(name, documents)
    if embedder is not None:
        waiting = collection.waiting(10_000)
        collection.add_vectors(
            embedder.fingerprint, [id_ for id_, _ in waiting], embedder.embed([text for _, text in waiting], "passage")
        )
    return collection


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


def test_the_passage_that_answers_comes_first_with_its_place_and_reasons(embedder: WordEmbedder):
    found = search([filled(embedder=embedder)], Query("how do I reset the router?"), embedder)

    first = found.hits[0]
    assert (first.collection, first.path, first.place.line_start) == ("docs", "/docs/router.md", 1)
    assert first.why.word_rank == 1
    assert first.why.vector_rank == 1
    assert first.why.words == ("reset", "router")
    assert found.query == "how do I reset the router?"
    assert found.notes == ()


def test_words_alone_are_searched_without_an_embedder():
    found = search([filled()], Query("clean the rollers"), None)

    assert found.hits[0].path == "/docs/printer.md"
    assert found.hits[0].why.vector_rank is None


def test_a_collection_without_vectors_is_searched_by_words_and_says_so(embedder: WordEmbedder):
    found = search([filled()], Query("clean the rollers"), embedder)

    assert found.hits[0].path == "/docs/printer.md"
    assert found.notes == ("docs has no vectors yet; it was searched by words.",)


def test_vectors_that_are_not_complete_are_used_and_it_says_so(embedder: WordEmbedder):
    collection = filled(embedder=embedder)
    del collection.vectors[1]

    found = search([collection], Query("reset the router"), embedder)

    assert found.hits[0].place.line_start == 1
    assert found.notes == ("The vectors of docs are not complete yet: 85 %.",)


def test_vectors_of_another_embedder_are_never_compared(embedder: WordEmbedder):
    collection = filled(embedder=WordEmbedder("another"))

    found = search([collection], Query("reset the router"), embedder)

    assert found.hits[0].path == "/docs/router.md"
    assert all(hit.why.vector_rank is None for hit in found.hits)
    assert "ally kb sync docs --rebuild" in found.notes[0]


def test_an_embedder_that_fails_leaves_the_words(embedder: WordEmbedder):
    collection = filled(embedder=embedder)

    def fail(texts: Sequence[str]) -> None:
        raise Unreachable("Nobody answers at http://127.0.0.1:9.")

    embedder.before = fail
    found = search([collection, filled("more", embedder=embedder_like(embedder))], Query("reset the router"), embedder)

    assert found.hits[0].path == "/docs/router.md"
    assert found.notes == ("Searched by words alone: Nobody answers at http://127.0.0.1:9.",)


def embedder_like(other: WordEmbedder) -> WordEmbedder:
    return WordEmbedder(other.model, dim=other.dim)


def test_several_collections_share_one_order(embedder: WordEmbedder):
    first = filled("a", {"/a/one.md": "Bees make honey.\n\nWasps do not."}, embedder)
    second = filled("b", {"/b/two.md": "Honey from the bees of the heath tastes of heather.\n\nTea."}, embedder)

    found = search([first, second], Query("honey of the heath"), embedder)

    assert [hit.collection for hit in found.hits[:2]] == ["b", "a"]
    assert [hit.why.fused_score for hit in found.hits] == sorted(
        (hit.why.fused_score for hit in found.hits), reverse=True
    )


@pytest.mark.parametrize("text", ["", "   ", "?!", "...", "\u200b"])
def test_a_question_without_words_is_answered_calmly(text: str, embedder: WordEmbedder):
    assert search([filled(embedder=embedder)], Query(text), embedder).query == text.strip()


def test_only_stop_words_are_looked_up_all_the_same():
    found = search([filled()], Query("what is on the"), None)

    assert found.hits


def test_no_collection_finds_nothing(embedder: WordEmbedder):
    assert search([], Query("reset"), embedder).hits == ()


def test_an_empty_collection_finds_nothing_and_has_no_notes(embedder: WordEmbedder):
    found = search([MemoryCollection("docs", {})], Query("reset"), embedder)

    assert (found.hits, found.notes) == ((), ())


def test_what_is_quoted_comes_first_as_it_is_written(embedder: WordEmbedder):
    documents = {
        "/a.md": "Button red, red button red button, a red one to hold, held by the button.",
        "/b.md": "Some text that has nothing to do with it.\n\nThere is a Hold the\nRed button sign on the wall of it.",
    }

    found = search(
        [filled(documents=documents, embedder=embedder)], Query('what says "hold the red button"?'), embedder
    )

    assert found.hits[0].path == "/b.md"
    assert found.hits[0].why.notes[0] == "holds 'hold the red button'"


def test_the_same_search_gives_the_same_answer(embedder: WordEmbedder):
    collection = filled(embedder=embedder)

    assert search([collection], Query("the light"), embedder) == search([collection], Query("the light"), embedder)
