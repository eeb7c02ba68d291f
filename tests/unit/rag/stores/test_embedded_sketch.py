"""The sketch of many vectors: nothing near is missed, whatever they are like, and a damaged one is made again."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ally.rag.stores.base import Collection, Scored
from ally.rag.stores.embedded import EmbeddedShelf, Sizes, sketching
from ally.rag.stores.embedded.sketch import Sketch, file_of
from ally.rag.stores.embedded.vectors import Mapped, Rows, append
from tests.contract.stores import DIM, check, embed, fill, put, vector_of

LINES = [f"line {number}" for number in range(300)]
QUERIES = [vector_of(f"query {number}") for number in range(20)]
KINDS = ["anyhow", "in bundles", "all on one side", "with few numbers", "in an odd number of dimensions"]


def vectors_of(kind: str, count: int) -> NDArray[np.float32]:
    """Vectors of length 1, shape (count, dim)."""
    chance = np.random.default_rng(1)
    dim = 97 if "odd" in kind else 96
    vectors = chance.standard_normal((count, dim), np.float32)
    match kind:
        case "in bundles":
            vectors = vectors / 4 + chance.standard_normal((50, dim), np.float32)[chance.integers(50, size=count)]
        case "all on one side":
            vectors += 3
        case "with few numbers":
            vectors *= chance.random((count, dim)) < 0.1
            vectors[:, 0] += 0.01
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def written(folder: Path, vectors: NDArray[np.float32], count: int = 0) -> Rows:
    """Their file, in which the first `count` stood already."""
    dim = vectors.shape[1]
    append(Rows(folder, 1, dim, count), vectors[count:])
    return Rows(folder, 1, dim, len(vectors))


def opened(rows: Rows) -> tuple[Sketch, Mapped]:
    found, mapped = Sketch.of(rows), Mapped.of(rows)
    assert found is not None
    assert mapped is not None
    return found, mapped


def share(rows: Rows, vectors: NDArray[np.float32], queries: NDArray[np.float32], limit: int = 50) -> float:
    """How much of what is nearest is found."""
    found, mapped = opened(rows)
    hits = 0
    for query in queries:
        best = np.argsort(-(vectors @ query))[:limit]
        rows_found = found.find(mapped, query, limit)
        assert len(rows_found) < len(vectors) / 3
        hits += len({*best.tolist()} & {*rows_found.tolist()})
    return hits / (limit * len(queries))


@pytest.mark.parametrize("kind", KINDS)
def test_the_nearest_are_found_whatever_the_vectors_are_like(tmp_path: Path, kind: str) -> None:
    vectors = vectors_of(kind, 20_040)
    vectors, queries = vectors[:-40], vectors[-40:]
    rows = written(tmp_path, vectors)
    sketching.build(rows, None, lambda: False)
    assert share(rows, vectors, queries) >= 0.999


def test_a_sketch_grows(tmp_path: Path) -> None:
    vectors = vectors_of("in bundles", 40_000)
    rows = written(tmp_path, vectors[:18_000])
    sketching.build(rows, None, lambda: False)
    small, mapped = opened(rows)
    rows = written(tmp_path, vectors, 18_000)
    sketching.build(rows, small, lambda: False)
    grown, _ = opened(rows)
    assert grown.count == 40_000
    assert grown.block(0) == small.block(0)
    assert grown.block(1) != small.block(1) is None
    assert share(rows, vectors, vectors[::1000]) >= 0.999
    assert 7 in small.find(mapped, vectors[7], 5).tolist()  # who has the old one open goes on with it


def test_rows_that_are_no_vectors_are_not_found_and_hide_no_others(tmp_path: Path) -> None:
    vectors = vectors_of("anyhow", 3000)
    spoiled = vectors.copy()
    spoiled[::3] = np.array([np.nan, np.inf, 0, -np.inf] * 24, np.float32)
    spoiled[1::3] = 0
    rows = written(tmp_path, spoiled)
    sketching.build(rows, None, lambda: False)
    found, mapped = opened(rows)
    good = np.arange(2, 3000, 3)
    for query in vectors[:20]:
        best = good[np.argsort(-(vectors[good] @ query))[:10]]
        assert {*best.tolist()} <= {*found.find(mapped, query, 10).tolist()}


def test_a_stopped_or_failed_build_leaves_what_there_was(tmp_path: Path) -> None:
    vectors = vectors_of("anyhow", 1000)
    rows = written(tmp_path, vectors[:500])
    sketching.build(rows, None, lambda: False)
    before = file_of(rows).read_bytes()
    rows = written(tmp_path, vectors, 500)
    sketching.build(rows, None, lambda: True)
    assert file_of(rows).read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["vectors-1.bits", "vectors-1.f32"]


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
    """Its collections get a sketch from 101 vectors on."""
    return EmbeddedShelf(home, Sizes(exact=100 * DIM))


def sketch_of(home: Path) -> Path | None:
    return next(home.glob("docs-*/vectors-*.bits"), None)


def found(collection: Collection, limit: int = 10) -> list[list[Scored]]:
    return [collection.by_vector(query, limit) for query in QUERIES]


def exactly(home: Path, limit: int = 10) -> list[list[Scored]]:
    collection = EmbeddedShelf(home).open("docs")
    try:
        return found(collection, limit)
    finally:
        collection.close()


def test_a_collection_finds_with_it_what_it_finds_without(home: Path, collection: Collection) -> None:
    assert sketch_of(home) is not None
    assert found(collection) == exactly(home)
    assert found(collection, 500) == exactly(home, 500)
    check(collection)


def test_what_came_later_and_what_went_is_known(home: Path, collection: Collection) -> None:
    file = sketch_of(home)
    assert file is not None
    before = file.read_bytes()
    reader = large(home).open("docs")
    assert found(reader) == exactly(home)
    with collection.writing():
        put(collection, "/b", *(f"query {number}" for number in range(10)))
        put(collection, "/a", *LINES[:280])
        embed(collection)
        collection.tidy()
    assert file.read_bytes() == before  # a tenth of all rows may be missing in it
    assert found(collection) == found(reader) == exactly(home)
    assert found(collection)[3][0].score == pytest.approx(1)
    with collection.writing():
        put(collection, "/c", *(f"much more {number}" for number in range(40)))
        put(collection, "/a", *LINES[:250])
        embed(collection)
        collection.tidy()
    assert file.read_bytes() != before
    assert found(collection) == found(reader) == exactly(home)
    reader.close()


def test_most_of_what_it_finds_is_gone(home: Path, collection: Collection) -> None:
    with collection.writing():
        put(collection, "/a", *LINES[225:])
    assert len(found(collection, 70)[0]) == 70
    assert found(collection, 70) == exactly(home, 70)


@pytest.mark.parametrize("kind", ["garbage", "cut", "empty", "one bit", "removed", "of other vectors"])
def test_a_damaged_one_is_not_used_and_made_again(home: Path, collection: Collection, kind: str) -> None:
    file = sketch_of(home)
    assert file is not None
    whole = file.read_bytes()
    match kind:
        case "garbage":
            file.write_bytes(b"no sketch" * 100)
        case "cut":
            os.truncate(file, file.stat().st_size // 2)
        case "empty":
            os.truncate(file, 0)
        case "one bit":
            file.write_bytes(bytes([*whole[:5000], whole[5000] ^ 4]) + whole[5001:])
        case "of other vectors":
            other = large(home).create("other")
            fill(other, a=[f"other {line}" for line in LINES])
            with other.writing():
                other.tidy()
            other.close()
            file.write_bytes(next(home.glob("other-*/vectors-*.bits")).read_bytes())
        case _:
            file.unlink()
    reader = large(home).open("docs")
    assert found(reader) == found(collection) == exactly(home)
    with collection.writing():
        collection.tidy()
    assert file.read_bytes() == whole
    assert found(reader) == found(collection) == exactly(home)
    reader.close()
