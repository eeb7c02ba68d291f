"""How words and meaning make one order."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ally.rag.search.hit import Hit
from ally.rag.search.query import Query
from ally.rag.search.search import search
from tests.embedders import WordEmbedder
from tests.unit.rag.search.shelves import MemoryCollection


class Placed(WordEmbedder):
    """Texts lie where they are put: at an angle (in degrees) to the question, which lies at 0."""

    def __init__(self, angles: dict[str, float]) -> None:
        super().__init__("placed", dim=3)
        self.angles = angles

    def vector(self, text: str) -> NDArray[np.float32]:
        angle = np.radians(next((angle for start, angle in self.angles.items() if text.startswith(start)), 0.0))
        return np.array([np.cos(angle), np.sin(angle), 0.0], np.float32)


def placed(name: str, texts: dict[str, float], embedder: Placed, *, leave_out: str = "-") -> MemoryCollection:
    collection = MemoryCollection(name, {f"/{name}/{number}": text for number, text in enumerate(texts)})
    embedder.angles |= texts
    wanted = [(id_, text) for id_, text in collection.waiting(1000) if not text.startswith(leave_out)]
    collection.add_vectors(
        embedder.fingerprint, [id_ for id_, _ in wanted], embedder.embed([text for _, text in wanted], "passage")
    )
    return collection


def order(collection: MemoryCollection, text: str, embedder: Placed) -> list[str]:
    return [hit.text for hit in search([collection], Query(text), embedder).hits]


FILL = {f"Other things, number {number}.": 60.0 + number for number in range(20)}


def test_meaning_finds_what_shares_no_word():
    embedder = Placed({})
    collection = placed("docs", {"Hold the red button.": 5.0, **FILL}, embedder)

    assert order(collection, "How do I start my device again?", embedder)[0] == "Hold the red button."


def test_words_find_what_the_vectors_miss():
    embedder = Placed({})
    collection = placed("docs", {"Error XK-4711 means paper jam.": 75.0, **FILL}, embedder)

    assert order(collection, "XK-4711", embedder)[0] == "Error XK-4711 means paper jam."


def test_a_sentence_is_asked_by_its_meaning_and_keywords_by_their_words():
    embedder = Placed({})
    texts = {"The heron fishes at dawn.": 30.0, "Grey birds stand in shallow water.": 10.0}
    collection = placed("docs", {**texts, **FILL}, embedder)

    keywords = search([collection], Query("heron dawn"), embedder).hits
    sentence = search(
        [collection], Query("What is it that a heron would do before dawn and when is it?"), embedder
    ).hits

    def lead(hits: Sequence[Hit]) -> float:
        scores = {hit.text: hit.why.fused_score for hit in hits}
        return scores["The heron fishes at dawn."] - scores["Grey birds stand in shallow water."]

    assert lead(keywords) > lead(sentence)


def test_a_passage_without_a_vector_yet_is_neither_first_nor_lost():
    embedder = Placed({})
    texts = {"Bees fly to the lime tree.": 0.0, "Bees sleep in the hive at night.": 10.0, "Bees dance.": 70.0}
    collection = placed("docs", {**texts, **FILL}, embedder, leave_out="Bees fly")

    found = order(collection, "bees", embedder)

    assert found.index("Bees fly to the lime tree.") < 3


def test_what_words_find_is_given_its_true_cosine_though_the_vectors_did_not_list_it():
    embedder = Placed({})
    many = {f"Filler without meaning, number {number}.": 20.0 + number / 10 for number in range(200)}
    collection = placed("docs", {"Error XK-4711 means paper jam.": 60.0, **many}, embedder)

    hits = search([collection], Query("XK-4711 paper jam"), embedder).hits
    hit = next(hit for hit in hits if hit.text.startswith("Error"))

    assert hit.why.vector_rank is None
    assert hit.why.vector_score is not None
    assert abs(hit.why.vector_score - 0.5) < 1e-3


def test_embedders_whose_cosines_lie_close_together_order_alike():
    wide, narrow = Placed({}), Placed({})
    texts = {"Bees sleep.": 40.0, "The hive is quiet.": 10.0, "Night falls.": 50.0, **FILL}
    one = placed("docs", texts, wide)
    other = placed("docs", {text: angle * 0.4 for text, angle in texts.items()}, narrow)

    assert order(one, "bees sleep", wide)[:3] == order(other, "bees sleep", narrow)[:3]


def test_a_collection_about_something_else_does_not_come_first():
    embedder = Placed({})
    right = placed("right", {"Bees make honey.": 5.0, **FILL}, embedder)
    wrong = placed("wrong", {f"Tax form {number}.": 70.0 + number for number in range(5)}, embedder)

    found = search([wrong, right], Query("What do insects in a hive make?"), embedder)

    assert found.hits[0].text == "Bees make honey."
    assert all(hit.collection == "right" for hit in found.hits[:5])


def test_passages_like_the_best_ones_come_along():
    embedder = Placed({})
    texts = {"Bees fly.": 20.0, "Hives and honey.": 38.0, "Bears like it.": -36.0}
    collection = placed("docs", {**texts, **FILL}, embedder)

    hits = search([collection], Query("bees"), embedder).hits
    ranked = [hit.text for hit in hits]

    assert ranked.index("Hives and honey.") < ranked.index("Bears like it.")
    assert any(note.startswith("likeness to the best ones") for hit in hits for note in hit.why.notes)
