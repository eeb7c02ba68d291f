"""Files as they are now."""

import hashlib
import os
from pathlib import Path

from ally.errors import ExtractionError, StorageError
from ally.messages import Source
from ally.rag.citing.texts import CurrentTexts
from ally.rag.document import Extracted


class Store:
    """What was stored of each file, and who asked."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[str, Extracted]] = {}
        self.read: list[str] = []

    def add(self, path: Path) -> None:
        data = path.read_bytes()
        self.stored[str(path)] = hashlib.sha256(data).hexdigest(), Extracted(f"stored {data.decode()}", "text")

    def get(self, path: str, collection: str) -> tuple[str, Extracted] | None:
        if collection == "gone":
            raise StorageError(Path(path), "It cannot be read.")
        return self.stored.get(path)

    def anew(self, path: str) -> Extracted | None:
        self.read.append(path)
        text = Path(path).read_text()
        if text == "bad":
            raise ExtractionError(Path(path), "It gives no text.")
        return Extracted(f"new {text}", "text")


def now(texts: CurrentTexts, path: Path, collection: str = "docs") -> str | None:
    reading = texts.now(Source(1, str(path), collection=collection))
    return None if reading is None else reading.document.text


def test_only_what_has_changed_is_read_anew(tmp_path: Path):
    path, store = tmp_path / "a.txt", Store()
    path.write_text("one")
    store.add(path)
    texts = CurrentTexts(store.get, store.anew)
    assert now(texts, path) == "stored one"
    path.touch()
    assert now(texts, path) == "stored one"
    assert store.read == []
    path.write_text("two!")
    assert [now(texts, path), now(texts, path)] == ["new two!", "new two!"]
    assert store.read == [str(path)]


def test_a_collection_that_is_gone_does_not_matter_while_the_file_is_there(tmp_path: Path):
    path, store = tmp_path / "a.txt", Store()
    path.write_text("one")
    assert now(CurrentTexts(store.get, store.anew), path, "gone") == "new one"


def test_what_gives_no_text_gives_none(tmp_path: Path):
    path, store = tmp_path / "a.txt", Store()
    path.write_text("bad")
    os.mkfifo(tmp_path / "pipe")
    texts = CurrentTexts(store.get, store.anew)
    assert now(texts, path) is None
    assert now(texts, tmp_path / "missing") is None
    assert now(texts, tmp_path) is None
    assert now(texts, tmp_path / "pipe") is None
    assert texts.now(Source(1, "a\0b")) is None
    path.unlink()
    assert now(texts, path) is None
