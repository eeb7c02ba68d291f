"""Every store, and documents to put into it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ally.rag.document import Extracted, Passage, Place
from ally.rag.stores.base import Collection, FileState, Shelf
from ally.rag.stores.embedded import EmbeddedShelf
from ally.rag.stores.postgres import PostgresShelf, parse
from tests.fakes import postgres

FINGERPRINT = "test/letters/1"
DIM = 12


@dataclass(frozen=True, slots=True)
class Store:
    """A store: `place` gives a test a place of its own, `open` opens the shelf there, in any process."""

    name: str
    place: Callable[[Path], str]
    open: Callable[[str], Shelf]

    def __str__(self) -> str:
        return self.name


STORES = {
    "embedded": Store("embedded", str, lambda place: EmbeddedShelf(Path(place))),
    "postgres": Store(
        "postgres", lambda _: postgres.empty_database(), lambda place: PostgresShelf(parse(place, {}), {}, Path("/"))
    ),
}

every_store = pytest.mark.parametrize(
    "store",
    [pytest.param(one, marks=postgres.needed if one.name == "postgres" else ()) for one in STORES.values()],
    ids=str,
)


def open_store(name: str, place: str) -> Shelf:
    """For a child process."""
    return STORES[name].open(place)


def vector_of(text: str, dim: int = DIM) -> NDArray[np.float32]:
    """A vector of length 1 that only this text has."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    vector = np.random.default_rng(seed).standard_normal(dim)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def state_of(path: str, text: str = "", problem: str = "") -> FileState:
    """A file with this text."""
    return FileState(path, len(text), 1_000, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(), problem)


def document_of(lines: Sequence[str], headings: tuple[str, ...] = ()) -> tuple[Extracted, list[Passage]]:
    """A document with a passage for each line."""
    text = "\n".join(lines)
    passages: list[Passage] = []
    start = 0
    for number, line in enumerate(lines, 1):
        passages.append(Passage(line, start, start + len(line), Place(number, number), headings))
        start += len(line) + 1
    return Extracted(text, "text"), passages


def put(collection: Collection, path: str, *lines: str, headings: tuple[str, ...] = ()) -> None:
    """Put a document of these lines; inside `writing`."""
    document, passages = document_of(lines, headings)
    collection.put(state_of(path, document.text), document, passages)


def embed(collection: Collection, fingerprint: str = FINGERPRINT, dim: int = DIM, at_once: int = 50) -> list[str]:
    """Give every waiting text its vector; what was embedded. Inside `writing`."""
    collection.set_embedder(fingerprint)
    embedded: list[str] = []
    while batch := collection.waiting(at_once):
        texts = [text for _, text in batch]
        collection.add_vectors(fingerprint, [one for one, _ in batch], np.stack([vector_of(one, dim) for one in texts]))
        embedded += texts
    return embedded


def fill(collection: Collection, **files: Sequence[str]) -> None:
    """Put and embed a file for each argument."""
    with collection.writing():
        for name, lines in files.items():
            put(collection, f"/{name}", *lines)
        embed(collection)


def words(collection: Collection, *wanted: str, limit: int = 50) -> list[str]:
    """The texts that are found by words."""
    found = collection.passages([one.id for one in collection.by_words(wanted, limit)])
    return [one.passage.text for one in found]


def nearest(collection: Collection, text: str, limit: int = 1) -> list[str]:
    """Where the passages stand whose vectors are nearest to that of `text`: `path:position`."""
    found = collection.passages([one.id for one in collection.by_vector(vector_of(text), limit)])
    return [f"{one.path}:{one.position}" for one in found]


def check(collection: Collection) -> None:
    """Whatever happened to it: counts are right, and every vector is that of its passage's text."""
    stored = list(collection.each())
    facts = collection.facts()
    waiting = {text for _, text in collection.waiting(1 << 30)}
    assert facts.passages == len(stored)
    assert facts.embedded == sum(one.passage.searched not in waiting for one in stored)
    assert collection.passages([one.id for one in stored]) == stored
    texts = [one.passage.searched for one in stored]
    known = collection.known_vectors(facts.fingerprint, texts)
    assert [n for n in range(len(texts)) if n not in known] == [n for n, one in enumerate(texts) if one in waiting]
    dim = len(next(iter(known.values()))) if known else 0
    for n, vector in known.items():
        np.testing.assert_array_equal(vector, vector_of(texts[n], dim))
    if known:
        best = collection.by_vector(vector_of("anything", dim), len(stored) + 1)
        wanted = {stored[n].id: float(vector @ vector_of("anything", dim)) for n, vector in known.items()}
        assert {one.id: one.score for one in best} == pytest.approx(wanted, abs=1e-5)
