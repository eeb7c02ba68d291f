"""What the disk and others can do to the embedded store: the rest stays usable, and a message says what to do."""

import functools
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ally.errors import StorageError
from ally.rag.stores.base import Collection
from ally.rag.stores.embedded import EmbeddedShelf
from tests.contract.stores import DIM, check, embed, fill, nearest, put, vector_of, words

ROOT = Path(__file__).resolve().parents[4]
LINES = [f"line {number}" for number in range(20)]
ROW = DIM * 4


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "knowledge"


@pytest.fixture
def shelf(home: Path) -> EmbeddedShelf:
    return EmbeddedShelf(home)


@pytest.fixture
def collection(shelf: EmbeddedShelf) -> Iterator[Collection]:
    collection = shelf.create("docs")
    fill(collection, a=LINES)
    yield collection
    collection.close()


def folder_of(home: Path, name: str = "docs") -> Path:
    return next(home.glob(f"{name}-*"))


def vectors_of(home: Path) -> Path:
    (file,) = folder_of(home).glob("vectors-*.f32")
    return file


def overwrite(file: Path, at: int, data: bytes) -> None:
    with file.open("r+b") as stream:
        stream.seek(at)
        stream.write(data)


def test_nobody_else_may_read_it(home: Path, collection: Collection) -> None:
    for path in (home, *home.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize(
    ("kind", "left"), [("cut", 7), ("cut in a row", 7), ("removed", 0), ("empty", 0), ("swapped", 18)]
)
def test_vectors_that_are_gone_are_made_anew(home: Path, collection: Collection, kind: str, left: int) -> None:
    file = vectors_of(home)
    reader = EmbeddedShelf(home).open("docs")
    match kind:
        case "cut":
            os.truncate(file, 7 * ROW)
        case "cut in a row":
            os.truncate(file, 7 * ROW + 5)
        case "removed":
            file.unlink()
        case "empty":
            os.truncate(file, 0)
        case _:
            data = file.read_bytes()
            file.write_bytes(data[ROW : 2 * ROW] + data[:ROW] + data[2 * ROW :])
    found = reader.by_vector(vector_of("line 3"), 50)
    assert len(found) == left
    with collection.writing():
        assert collection.facts().embedded == left
        assert len(collection.waiting(99)) == 20 - left
        embed(collection)
    check(collection)
    assert nearest(reader, "line 19") == ["/a:19"]
    reader.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 0.0, 1e30, 0.3])
def test_vectors_of_garbage_are_not_found_and_made_anew(home: Path, collection: Collection, value: float) -> None:
    assert nearest(collection, "line 3") == ["/a:3"]
    overwrite(vectors_of(home), 3 * ROW, np.full(2 * DIM, value, np.float32).tobytes())
    for one in (collection, EmbeddedShelf(home).open("docs")):
        found = {stored.position for stored in one.passages([s.id for s in one.by_vector(vector_of("line 3"), 50)])}
        assert found == {*range(20)} - {3, 4}
        assert one.known_vectors("test/letters/1", ["line 3"]) == {}
    with collection.writing():
        assert [text for _, text in collection.waiting(9)] == ["line 3", "line 4"]
        embed(collection)
    check(collection)


def test_a_file_of_vectors_that_shrinks_while_it_is_mapped(home: Path, collection: Collection) -> None:
    assert nearest(collection, "line 3") == ["/a:3"]
    os.truncate(vectors_of(home), ROW)
    assert nearest(collection, "line 3") == ["/a:0"]
    assert list(collection.known_vectors("test/letters/1", LINES)) == [0]


def test_a_copy_of_the_folder_is_as_good_as_the_original(home: Path, collection: Collection) -> None:
    collection.close()
    shutil.copytree(home, home.with_name("copy"), copy_function=shutil.copyfile)
    copy = EmbeddedShelf(home.with_name("copy")).open("docs")
    with copy.writing():
        assert copy.waiting(9) == []
    check(copy)


@pytest.mark.parametrize("kind", ["garbage", "cut", "zeros", "header", "pages", "missing", "folder"])
def test_a_damaged_database_harms_no_other_and_says_what_helps(
    home: Path, shelf: EmbeddedShelf, collection: Collection, kind: str
) -> None:
    collection.close()
    fill(shelf.create("other"), a=["one"])
    file = folder_of(home) / "collection.db"
    match kind:
        case "garbage":
            file.write_bytes(b"no database" * 1000)
        case "cut":
            os.truncate(file, 9000)
        case "zeros":
            file.write_bytes(b"\0" * 20_000)
        case "header":
            file.write_bytes(b"XXXXXX" + file.read_bytes()[6:])
        case "pages":
            data = file.read_bytes()
            file.write_bytes(data[:4096] + bytes(byte ^ 0xA5 for byte in data[4096:]))
        case "missing":
            file.unlink()
        case _:
            file.unlink()
            file.mkdir()
    assert shelf.names() == ["docs", "other"]
    with pytest.raises(StorageError) as caught:
        words(shelf.open("docs"), "line")
    assert "ally kb remove docs" in caught.value.hint
    assert words(shelf.open("other"), "one") == ["one"]
    shelf.delete("docs")
    again = shelf.create("docs")
    fill(again, a=LINES)
    check(again)


def test_blocks_that_cannot_be_read_are_damage_too(home: Path, collection: Collection) -> None:
    with sqlite3.connect(folder_of(home) / "collection.db") as other:
        other.execute("UPDATE block SET data = x'00'")
    other.close()
    with pytest.raises(StorageError) as caught:
        collection.extracted("/a")
    assert "ally kb remove docs" in caught.value.hint


def test_a_newer_database_is_left_alone(home: Path, shelf: EmbeddedShelf, collection: Collection) -> None:
    collection.close()
    with sqlite3.connect(folder_of(home) / "collection.db") as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StorageError, match="newer version") as caught:
        shelf.open("docs")
    assert caught.value.hint == "update Ally"


def test_what_is_half_made_or_half_removed_is_no_collection(home: Path, shelf: EmbeddedShelf) -> None:
    half = home / ".half-0123456789ab"
    half.mkdir(parents=True)
    (half / "collection.db").touch()
    (half / "name").write_text("ghost")
    (home / "notes-0123456789ab").mkdir()  # without a name
    (home / "README").touch()
    assert shelf.names() == []
    shelf.create("docs").close()
    assert not half.exists()
    assert shelf.names() == ["docs"]


def test_a_shelf_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        EmbeddedShelf(tmp_path / "file").create("docs")
    with pytest.raises(StorageError):
        EmbeddedShelf(tmp_path / "file").names()
    assert EmbeddedShelf(tmp_path / "nothing").names() == []


@contextmanager
def full_disk(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_while_text_is_put(home: Path, collection: Collection) -> None:
    largest = max(file.stat().st_size for file in folder_of(home).iterdir())
    rows = [os.urandom(300).hex() for _ in range(300)]
    with full_disk(largest), pytest.raises(StorageError) as caught, collection.writing():
        put(collection, "/b", *rows)
    assert "disk" in caught.value.hint
    assert list(collection.files()) == ["/a"]
    with collection.writing():
        put(collection, "/b", *rows)
        embed(collection)
    check(collection)


def test_a_full_disk_while_vectors_are_written(home: Path, collection: Collection) -> None:
    with collection.writing():
        put(collection, "/b", *(f"more {number}" for number in range(5)))
        batch = collection.waiting(9)
        vectors = np.stack([vector_of(text, 5000) for _, text in batch])
        collection.set_embedder("large")
        ids = [one for one, _ in collection.waiting(5)]
        with full_disk(70_000), pytest.raises(StorageError, match="vectors") as caught:
            collection.add_vectors("large", ids, vectors)
        assert "disk" in caught.value.hint
        assert collection.facts().embedded == 0
        assert embed(collection, "large") != []
    check(collection)


def test_a_full_disk_while_vectors_are_copied(home: Path, collection: Collection) -> None:
    with collection.writing():
        put(collection, "/big", *(f"more {number}" for number in range(500)))
        embed(collection, at_once=500)
        put(collection, "/big", *(f"more {number}" for number in range(300)))
        assert collection.facts().passages == 320
        with full_disk(8_000), pytest.raises(StorageError):
            collection.tidy()
    check(collection)
    before = vectors_of(home)
    with collection.writing():
        collection.tidy()
    check(collection)
    assert vectors_of(home) != before
    assert vectors_of(home).stat().st_size == 320 * ROW


def test_a_python_without_full_text_search(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Poor(sqlite3.Connection):
        def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
            if "fts5" in sql:
                raise sqlite3.OperationalError("no such module: fts5")
            return super().execute(sql, *values)  # type: ignore[arg-type] - as they came

    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Poor))
    with pytest.raises(StorageError, match="FTS5") as caught:
        EmbeddedShelf(home).create("docs")
    assert "Python" in caught.value.hint
    assert EmbeddedShelf(home).names() == []


def test_the_room_of_what_was_removed_is_given_back(home: Path, collection: Collection) -> None:
    rows = [os.urandom(300).hex() for _ in range(1200)]
    with collection.writing():
        for number in range(10):
            put(collection, f"/{number}", *rows[number * 120 : (number + 1) * 120])
        embed(collection, at_once=2000)
        before = collection.facts().size_bytes
        collection.remove([f"/{number}" for number in range(9)])
        collection.tidy()
        assert collection.facts().size_bytes < before / 4
    check(collection)
    secret = rows[0][:40].encode()
    assert not any(secret in file.read_bytes() for file in folder_of(home).iterdir())


def test_numpy_waits_for_the_first_search_by_vector(home: Path, collection: Collection) -> None:
    script = (
        "import sys; from pathlib import Path; from ally.rag.stores.embedded import EmbeddedShelf\n"
        "shelf = EmbeddedShelf(Path(sys.argv[1])); one = shelf.open(shelf.names()[0])\n"
        "assert one.facts().embedded == 20 and len(one.by_words(['line'], 50)) == 20\n"
        "with one.writing(): one.files(); one.waiting(5); one.tidy()\n"
        "assert not {'numpy', 'usearch'} & set(sys.modules), 'too early'"
    )
    subprocess.run([sys.executable, "-c", script, str(home)], cwd=ROOT, check=True)
