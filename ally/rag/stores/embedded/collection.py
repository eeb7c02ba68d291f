"""One collection: a folder with `collection.db` and, once there are vectors, one file of them."""

import contextlib
import os
import shlex
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ally.errors import DimensionMismatch, StorageError
from ally.rag.document import Extracted, Passage
from ally.rag.stores.base import CollectionFacts, FileState, Scored, Stored
from ally.rag.stores.embedded import documents, embedding, state, wordsearch
from ally.rag.stores.embedded.opened import Opened, Sizes
from ally.rag.stores.embedded.schema import SCHEMA
from ally.rag.stores.embedded.state import State
from ally.rag.stores.embedded.vectors import Mapped, remove_others
from ally.rag.stores.text import digest
from ally.storage.lock import locked
from ally.storage.sqlite import DamagedDatabase, open_database

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_T = TypeVar("_T")

DATABASE = "collection.db"
LOCK = "writing.lock"
_CACHE_KB = 16_000
_WORTH_PASSAGES = 200
_MOST_PIECES = 8
"""Of the index of words. Putting them together takes 0.6 CPU s for 86,000 passages (2026-11-23)."""

_MOST_CHANGES = 500
_MOST_PASSAGES = 1000
_LONGEST_S = 1.0
"""Whatever comes first: then what was put is committed. A file of 20 passages takes 3.4 CPU ms, and 5.2 with a commit
of its own (2026-11-22)."""


class EmbeddedCollection:
    """Implements `Collection`; threads may share it, one at a time is served.

    What is put is committed together with what comes after it, at the latest after a second of further changes, before
    anything is read, and at the end of `writing`.
    """

    def __init__(self, folder: Path, name: str, sizes: Sizes) -> None:
        self._folder = folder
        self._name = name
        self._is_writing = False
        self._lock = threading.RLock()
        self._pending: list[Callable[[sqlite3.Connection], object]] = []
        self._pending_passages = 0
        self._pending_since = 0.0
        self._opened = Opened(folder, sizes)
        with self._understandable():
            self._database = open_database(folder / DATABASE, SCHEMA)
        with self._read() as run:
            run.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        self._inode = _inode(folder / DATABASE)

    @property
    def name(self) -> str:
        return self._name

    def facts(self) -> CollectionFacts:
        with self._read() as run:
            now = state.read(run)
            files, skipped = run.execute("SELECT count(*), coalesce(sum(problem <> ''), 0) FROM document").fetchone()
        return CollectionFacts(
            name=self._name,
            roots=now.roots,
            is_indexed=now.is_indexed,
            fingerprint=now.fingerprint,
            files=files - skipped,
            skipped=skipped,
            passages=now.passages,
            embedded=now.embedded,
            size_bytes=_size_of(self._folder),
            updated_at=now.updated_at,
            notes=self._opened.notes(now),
        )

    @contextlib.contextmanager
    def writing(self) -> Generator[None, None, None]:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self._folder / LOCK, timeout_s=0))
            except TimeoutError as exc:
                problem = f"{self._name} is being changed by another process."
                raise StorageError(self._folder, problem, hint="try again when that is done") from exc
            except OSError as exc:
                raise self._gone() from exc
            if _inode(self._folder / DATABASE) != self._inode:
                raise self._gone()
            self._is_writing = True
            try:
                self._check_vectors()
                yield
            finally:
                try:
                    self._flush()
                finally:
                    self._is_writing = False

    def set_indexed(self, *, is_indexed: bool) -> None:
        self._flush()
        with self._understandable(), self._database.write() as run:
            run.execute("UPDATE state SET is_indexed = ?", (is_indexed,))

    def set_roots(self, roots: Sequence[str]) -> None:
        with self._change() as run:
            state.set_roots(run, roots)

    def set_embedder(self, fingerprint: str) -> None:
        with self._change() as run:
            if state.read(run).fingerprint == fingerprint:
                return
            state.renew(run, fingerprint)
            rows = state.read(run).vectors(self._folder)
        self._opened.let_go()
        remove_others(rows)

    def files(self) -> dict[str, FileState]:
        with self._read() as run:
            return documents.files(run)

    def state(self, path: str) -> FileState | None:
        with self._read() as run:
            return documents.state(run, path)

    def put(self, state: FileState, document: Extracted, passages: Sequence[Passage]) -> None:
        prepared = documents.Prepared.of(state, document, passages)
        self._later(lambda run: documents.put(run, prepared), len(passages))

    def skip(self, state: FileState) -> None:
        self._later(lambda run: documents.skip(run, state))

    def touch(self, state: FileState) -> None:
        self._later(lambda run: documents.note(run, state))

    def move(self, old_path: str, state: FileState) -> None:
        self._later(lambda run: documents.move(run, old_path, state))

    def remove(self, paths: Sequence[str]) -> None:
        self._later(lambda run: documents.remove(run, paths))

    def waiting(self, limit: int) -> list[tuple[int, str]]:
        with self._read() as run:
            ids = embedding.waiting(run, limit)
            return [(one.id, one.passage.searched) for one in documents.passages(run, ids)]

    def known_vectors(self, fingerprint: str, texts: Sequence[str]) -> "dict[int, NDArray[np.float32]]":
        def look_up(run: sqlite3.Connection, now: State, mapped: Mapped | None) -> "dict[int, NDArray[np.float32]]":
            if mapped is None or now.fingerprint != fingerprint:
                return {}
            return embedding.known(run, mapped, [digest(text) for text in texts])

        return self._with_vectors(look_up)

    def add_vectors(self, fingerprint: str, ids: Sequence[int], vectors: "NDArray[np.float32]") -> None:
        with self._change() as run:
            now = state.read(run)
            if now.fingerprint != fingerprint:
                raise DimensionMismatch(now.fingerprint, fingerprint)
            dim = vectors.shape[1]
            if now.dim not in {0, dim}:
                raise DimensionMismatch(now.dim, dim)
            embedding.add(run, self._folder, ids, vectors)

    def by_words(self, words: Sequence[str], limit: int) -> list[Scored]:
        with self._read() as run:
            return wordsearch.find(run, words, limit)

    def by_vector(self, vector: "NDArray[np.float32]", limit: int) -> list[Scored]:
        def look_up(run: sqlite3.Connection, now: State, mapped: Mapped | None) -> list[Scored]:
            if now.dim not in {0, len(vector)}:
                raise DimensionMismatch(now.dim, len(vector))
            if mapped is None or limit < 1:
                return []
            return embedding.nearest(run, mapped, self._opened.finder(now), vector, limit)

        return self._with_vectors(look_up)

    def passages(self, ids: Sequence[int]) -> list[Stored]:
        with self._read() as run:
            return documents.passages(run, ids)

    def neighbours(self, path: str, first: int, last: int) -> list[Stored]:
        with self._read() as run:
            document = documents.find(run, path)
            return [] if document is None else list(documents.stretch(run, document, first, last))

    def extracted(self, path: str) -> Extracted | None:
        with self._read() as run:
            document = documents.find(run, path)
            return None if document is None else documents.extracted(run, document)

    def each(self) -> Iterator[Stored]:
        with self._read() as run:
            ids = documents.in_order(run)
        for document in ids:
            with self._read() as run:
                found = list(documents.stretch(run, document))
            yield from found

    def tidy(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        with self._read() as run:
            now = state.read(run)
        if now.is_untidy:
            with self._change() as run:
                embedding.tidy(run, self._folder)
                run.execute("UPDATE state SET is_untidy = 0")
                now = state.read(run)
            self._opened.let_go()
            remove_others(now.vectors(self._folder))
            if now.removed > max(now.passages / 3, _WORTH_PASSAGES):
                self._shrink()
            self._database.fold_log()
        self._merge_words()
        if stamp := self._opened.build(now, is_stopped):
            with self._change() as run:
                run.execute("UPDATE state SET near_stamp = ?, near_rows = ?", (stamp, now.rows))

    def close(self) -> None:
        self._opened.let_go()
        self._database.close()

    def _check_vectors(self) -> None:
        """Let go of the vectors that somebody damaged, and of files that a process left behind which died."""
        with self._read() as run:
            rows = state.read(run).vectors(self._folder)
            is_good = embedding.is_unchanged(run, self._folder)
        if not is_good:
            with self._change() as run:
                embedding.check(run, self._folder)
        remove_others(rows)

    def _merge_words(self) -> None:
        """Put the pieces of the index of words together, which saves a search a quarter of its time."""
        with self._read() as run:
            (pieces,) = run.execute("SELECT count(DISTINCT segid) FROM words_idx").fetchone()
        if pieces > _MOST_PIECES:
            with self._change() as run:
                run.execute("INSERT INTO words (words) VALUES ('optimize')")
            self._database.fold_log()

    def _shrink(self) -> None:
        """Write the database anew, without the words that were removed, which the index keeps until then."""
        with self._change() as run:
            run.execute("INSERT INTO words (words) VALUES ('optimize')")
            run.execute("UPDATE state SET removed = 0")
        # There may be no room for a second one, or another process holds it.
        with contextlib.suppress(StorageError), self._understandable():
            self._database.shrink()

    def _with_vectors(self, look_up: Callable[[sqlite3.Connection, State, Mapped | None], _T]) -> _T:
        for _ in range(3):
            with self._read() as run:
                now = state.read(run)
                mapped = self._opened.mapped(now)
                if mapped is not None or now.rows == 0:
                    return look_up(run, now, mapped)
            # A writer has just replaced the file, so the database names another one by now; or somebody removed it.
        with self._read() as run:
            return look_up(run, state.read(run), None)

    def _later(self, work: Callable[[sqlite3.Connection], object], passages: int = 0) -> None:
        """Do it with the next commit."""
        self._demand_writing()
        with self._lock:
            now = time.monotonic()
            if not self._pending:
                self._pending_since = now
            self._pending.append(work)
            self._pending_passages += passages
            is_much = len(self._pending) >= _MOST_CHANGES or self._pending_passages >= _MOST_PASSAGES
            if is_much or now - self._pending_since >= _LONGEST_S:
                self._flush()

    def _flush(self) -> None:
        with self._lock:
            if not self._pending:
                return
            pending, self._pending, self._pending_passages = self._pending, [], 0
            with self._understandable(), self._database.write() as run:
                for work in pending:
                    work(run)
                state.touch(run)

    @contextlib.contextmanager
    def _read(self) -> Generator[sqlite3.Connection, None, None]:
        self._flush()
        with self._understandable(), self._database.read() as run:
            yield run

    @contextlib.contextmanager
    def _change(self) -> Generator[sqlite3.Connection, None, None]:
        self._demand_writing()
        self._flush()
        with self._understandable(), self._database.write() as run:
            yield run
            state.touch(run)

    def _demand_writing(self) -> None:
        if not self._is_writing:
            raise RuntimeError("a collection is changed inside writing()")

    @contextlib.contextmanager
    def _understandable(self) -> Generator[None, None, None]:
        """Say what damage means for the collection and what helps."""
        file = self._folder / DATABASE
        try:
            yield
        except (DamagedDatabase, zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as exc:
            hint = how_to_renew(self._name)
            raise DamagedDatabase(file, f"The collection {self._name} is damaged: {exc}", hint=hint) from exc
        except StorageError as exc:
            if "no such module: fts5" not in exc.message:
                raise
            hint = "use a Python with a complete SQLite: that of the system, of python.org or of uv"
            raise StorageError(file, "The SQLite of this Python has no full-text search (FTS5).", hint=hint) from exc

    def _gone(self) -> StorageError:
        return StorageError(
            self._folder, f"{self._name} was removed meanwhile.", hint="ally kb list shows what there is"
        )


def how_to_renew(name: str) -> str:
    """What helps when a collection cannot be used any more."""
    quoted = shlex.quote(name)
    return f"ally kb remove {quoted}, then ally kb add PATH {quoted} reads the files again"


def _inode(file: Path) -> int:
    try:
        return file.stat().st_ino
    except OSError:
        return -1


def _size_of(folder: Path) -> int:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:  # what goes away meanwhile takes no room
        return sum(entry.stat().st_size for entry in entries)
    return 0
