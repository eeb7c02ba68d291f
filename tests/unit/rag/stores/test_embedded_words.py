"""The index of words grows in pieces, one for each commit; tidying puts them together."""

import sqlite3
from contextlib import closing
from pathlib import Path

from ally.rag.stores.embedded import EmbeddedShelf
from tests.contract.stores import put, words


def pieces(home: Path) -> int:
    with closing(sqlite3.connect(next(home.glob("docs-*/collection.db")))) as database:
        return database.execute("SELECT count(DISTINCT segid) FROM words_idx").fetchone()[0]


def test_many_pieces_become_one_and_few_are_left_alone(tmp_path: Path) -> None:
    collection = EmbeddedShelf(tmp_path).create("docs")
    for number in range(5):
        with collection.writing():
            put(collection, f"/{number}", f"common word{number}")
            collection.tidy()
    assert pieces(tmp_path) == 5
    for number in range(5, 12):
        with collection.writing():
            put(collection, f"/{number}", f"common word{number}")
    with collection.writing():
        put(collection, "/3", "common again")
    before = collection.by_words(["common", "word7", "word3"], 50)
    assert pieces(tmp_path) > 8
    with collection.writing():
        collection.tidy()
    assert pieces(tmp_path) == 1
    assert collection.by_words(["common", "word7", "word3"], 50) == before
    assert words(collection, "word7") == ["common word7"]
    assert words(collection, "word3") == []
    collection.close()
