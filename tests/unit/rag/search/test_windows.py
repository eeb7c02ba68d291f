"""Questions that are longer than the embedder reads."""

import pytest

from ally.rag.embeddings.counting import load_counter
from ally.rag.search.query import Query
from ally.rag.search.search import search
from ally.rag.search.windows import MOST_WINDOWS, windows
from tests.embedders import WordEmbedder
from tests.unit.rag.search.shelves import MemoryCollection


def test_a_short_question_is_embedded_as_it_is():
    assert windows("How do I reset the router?", WordEmbedder()) == ["How do I reset the router?"]


@pytest.mark.parametrize(
    "text",
    [
        "Line of a log with numbers. " * 400,
        "word " * 3000,
        "x" * 20_000,
        "路由器重置。" * 800,
        "\n" * 5000 + "end",
        "a b\n" * 2000,
        "x" * 500_000,
    ],
)
def test_pieces_of_a_long_question_fit_and_hold_something(text: str):
    embedder = WordEmbedder(max_tokens=128)
    counter = load_counter(embedder.counter)

    pieces = windows(text, embedder)

    assert 1 <= len(pieces) <= MOST_WINDOWS
    assert all(piece.strip() and counter(piece) <= 128 for piece in pieces)


def test_the_beginning_and_the_end_of_what_is_pasted_are_read():
    noise = "\n".join(f"{n:04} started worker number {n}" for n in range(400))

    pieces = windows(f"Why does the router reboot?\n{noise}\nIt began after the update of the printer.", WordEmbedder())

    assert pieces[0].startswith("Why does the router reboot?")
    assert pieces[-1].endswith("It began after the update of the printer.")


def test_a_pasted_log_finds_what_it_is_about():
    embedder = WordEmbedder(dim=256, max_tokens=128)
    documents = {"/router.md": "The router reboots when the power fails.", "/tea.md": "Tea is made with hot water."}
    collection = MemoryCollection("docs", documents)
    waiting = collection.waiting(10)
    collection.add_vectors(
        embedder.fingerprint, [id_ for id_, _ in waiting], embedder.embed([text for _, text in waiting], "passage")
    )
    noise = "\n".join(f"{n:04} router power state {n % 7}" for n in range(300))

    assert search([collection], Query(f"Why this?\n{noise}"), embedder).hits[0].path == "/router.md"
