"""Large collections: what the index over their vectors finds, and when it is built, left alone or done without."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.rag.stores.base import Collection, Scored
from ally.rag.stores.embedded import EmbeddedShelf, Sizes
from tests.contract.stores import DIM, check, embed, fill, put, vector_of

LINES = [f"line {number}" for number in range(300)]
QUERIES = [vector_of(f"query {number}") for number in range(20)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "knowledge"


@pytest.fixture
def collection(home: Path) -> Iterator[Collection]:
    collection = large(home).create("docs")
    fill(collection, a=LINES)
    with collection.writing():
        collection.tidy()
    yield collection
    collection.close()


def large(home: Path) -> EmbeddedShelf:
    """Its collections get an index from 101 vectors on."""
    return EmbeddedShelf(home, Sizes(sketched=100 * DIM))


def index_of(home: Path) -> Path | None:
    return next(home.glob("docs-*/vectors-*.usearch"), None)


def found(collection: Collection, limit: int = 10) -> list[list[Scored]]:
    return [collection.by_vector(query, limit) for query in QUERIES]


def exactly(home: Path, limit: int = 10) -> list[list[Scored]]:
    collection = EmbeddedShelf(home).open("docs")
    try:
        return found(collection, limit)
    finally:
        collection.close()


def test_it_finds_what_an_exact_search_finds(home: Path, collection: Collection) -> None:
    assert index_of(home) is not None
    assert found(collection) == exactly(home)
    assert found(collection, 500) == exactly(home, 500)
    check(collection)
    assert collection.facts().notes == ()


def test_what_came_later_and_what_went_is_known(home: Path, collection: Collection) -> None:
    file = index_of(home)
    assert file is not None
    before = file.read_bytes()
    with collection.writing():
        put(collection, "/b", *(f"query {number}" for number in range(10)))
        put(collection, "/a", *LINES[:280])
        embed(collection)
        collection.tidy()
    assert file.read_bytes() == before  # a tenth of all rows may be missing in it
    assert found(collection) == exactly(home)
    assert found(collection)[3][0].score == pytest.approx(1)
    with collection.writing():
        put(collection, "/c", *(f"much more {number}" for number in range(40)))
        embed(collection)
        collection.tidy()
    assert file.read_bytes() != before
    assert found(collection) == exactly(home)


def test_it_is_built_when_nothing_waits_any_more(home: Path) -> None:
    collection = large(home).create("docs")
    fill(collection, a=LINES)
    with collection.writing():
        put(collection, "/b", "not yet")
        collection.tidy()
        assert index_of(home) is None
        embed(collection)
        collection.tidy(lambda: True)
        assert index_of(home) is None
        collection.tidy()
        assert index_of(home) is not None
    collection.close()


def test_renumbered_vectors_get_a_new_index(home: Path, collection: Collection) -> None:
    before = index_of(home)
    reader = large(home).open("docs")
    assert found(reader) == found(collection)
    with collection.writing():
        put(collection, "/a", *LINES[100:])
        collection.tidy()
    assert index_of(home) not in {before, None}
    assert before is not None
    assert not before.exists()
    assert found(reader) == found(collection) == exactly(home)
    with collection.writing():
        put(collection, "/a", *LINES[250:])
        collection.tidy()
    assert index_of(home) is None  # small again
    assert found(reader) == found(collection) == exactly(home)
    reader.close()


def test_most_of_what_the_index_finds_is_gone(home: Path, collection: Collection) -> None:
    with collection.writing():
        put(collection, "/a", *LINES[225:])
    assert len(found(collection, 70)[0]) == 70
    assert found(collection, 70) == exactly(home, 70)


@pytest.mark.parametrize("kind", ["garbage", "cut", "removed", "old"])
def test_a_damaged_index_is_not_used_and_built_again(home: Path, collection: Collection, kind: str) -> None:
    file = index_of(home)
    assert file is not None
    assert found(collection) == exactly(home)
    match kind:
        case "garbage":
            file.write_bytes(b"no index" * 100)
        case "cut":
            os.truncate(file, file.stat().st_size // 2)
        case "old":
            os.utime(file, ns=(1, 1))
        case _:
            file.unlink()
    reader = large(home).open("docs")
    assert found(reader) == found(collection) == exactly(home)
    with collection.writing():
        collection.tidy()
    assert found(reader) == found(collection) == exactly(home)
    assert file.stat().st_mtime_ns > 1
    reader.close()


def test_without_usearch_search_stays_exact_and_says_what_would_help(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "usearch", None)
    collection = large(home).create("docs")
    fill(collection, a=LINES)
    with collection.writing():
        collection.tidy()
    assert index_of(home) is None
    assert found(collection) == exactly(home)
    (note,) = collection.facts().notes
    assert "300 vectors" in note
    assert "knowledge-large" in note
    collection.close()
