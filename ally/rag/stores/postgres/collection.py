"""One collection in PostgreSQL."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from ally.errors import DimensionMismatch, StorageError
from ally.rag.document import Extracted, Passage
from ally.rag.stores.base import CollectionFacts, FileState, Scored, Stored
from ally.rag.stores.postgres import embedding, reading, wordsearch
from ally.rag.stores.postgres.connection import Connection, Refused, path_of
from ally.rag.stores.postgres.embedding import Vectors
from ally.rag.stores.postgres.pool import Pool
from ally.rag.stores.postgres.schema import LOCKS, Place
from ally.rag.stores.postgres.terms import Terms
from ally.rag.stores.postgres.writing import Change, Content, Move, Put, Remove, Writer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_CHANGES = 500
_MOST_PASSAGES = 1000
_LONGEST_S = 1.0
"""Whatever comes first: then what was put is committed."""

_AT_ONCE = 50
_WORTH_PASSAGES = 200
_NO_TABLE, _OTHER_DIM = "42P01", "22000"


class PostgresCollection:
    """Implements `Collection`; threads may share it, one at a time is served.

    What is put is committed together with what comes after it, at the latest after a second of further changes, before
    anything is read, and at the end of `writing`.
    """

    def __init__(self, pool: Pool, terms: Terms, place: Place, name: str, exact_numbers: int) -> None:
        self._pool = pool
        self._terms = terms
        self._place = place
        self._name = name
        self._exact_numbers = exact_numbers
        self._lock = threading.RLock()
        self._writer: Connection | None = None
        self._pending: list[Change] = []
        self._pending_passages = 0
        self._pending_since = 0.0

    @property
    def name(self) -> str:
        return self._name

    def facts(self) -> CollectionFacts:
        sql = self._place.tables
        size = " + ".join(f"pg_total_relation_size('{table}')" for table in sql.all)
        with self._read() as run:
            rows = run.query(
                sql(
                    "SELECT c.roots, c.is_indexed, c.fingerprint, d.files, d.skipped, c.passages, c.embedded,"  # noqa: S608 - names of tables
                    f" ({size})::bigint, c.updated_at, c.dim, c.vectors, c.is_near FROM ally.collection AS c, (SELECT"
                    " count(*) FILTER (WHERE problem = '') AS files, count(*) FILTER (WHERE problem <> '') AS skipped"
                    " FROM {document}) AS d WHERE c.id = :number::integer"
                ),
                number=self._place.number,
            )
            if not rows:
                raise self._gone(run)
            roots, is_indexed, fingerprint, files, skipped, passages, embedded, size_bytes, updated_at, *more = rows[0]
            notes = self._notes(run, Vectors(fingerprint, *more))
        return CollectionFacts(
            name=self._name,
            roots=tuple(json.loads(roots)),
            is_indexed=is_indexed,
            fingerprint=fingerprint,
            files=files,
            skipped=skipped,
            passages=passages,
            embedded=embedded,
            size_bytes=size_bytes,
            updated_at=updated_at,
            notes=notes,
        )

    @contextlib.contextmanager
    def writing(self) -> Generator[None, None, None]:
        with self._pool.borrowed() as run, locked(run, self._place, self._name):
            if embedding.read(run, self._place) is None:
                raise self._gone(run)
            with self._lock:
                self._writer = run
            try:
                yield
            except BaseException:
                with contextlib.suppress(StorageError):  # what went wrong first says more
                    self._flush()
                raise
            else:
                self._flush()
            finally:
                with self._lock:
                    self._writer, self._pending, self._pending_passages = None, [], 0

    def set_indexed(self, *, is_indexed: bool) -> None:
        with self._read() as run:
            self._set(run, "is_indexed = :value::boolean", is_indexed)

    def set_roots(self, roots: Sequence[str]) -> None:
        with self._change() as run:
            self._set(run, "roots = :value::text", json.dumps(list(roots)))

    def set_embedder(self, fingerprint: str) -> None:
        with self._change() as run:
            if self._vectors(run).fingerprint != fingerprint:
                embedding.renew(run, self._place, fingerprint)

    def files(self) -> dict[str, FileState]:
        with self._read() as run:
            return reading.files(run, self._place.tables)

    def state(self, path: str) -> FileState | None:
        with self._read() as run:
            return reading.state(run, self._place.tables, path)

    def put(self, state: FileState, document: Extracted, passages: Sequence[Passage]) -> None:
        self._later(Put(state, Content.of(document, passages)), len(passages))

    def skip(self, state: FileState) -> None:
        self._later(Put(state, Content()))

    def touch(self, state: FileState) -> None:
        self._later(Put(state))

    def move(self, old_path: str, state: FileState) -> None:
        self._later(Move(old_path, state))

    def remove(self, paths: Sequence[str]) -> None:
        self._later(Remove(tuple(paths)))

    def waiting(self, limit: int) -> list[tuple[int, str]]:
        with self._read() as run:
            ids = embedding.waiting(run, self._place.tables, limit)
            return [(one.id, one.passage.searched) for one in reading.passages(run, self._place.tables, ids)]

    def known_vectors(self, fingerprint: str, texts: Sequence[str]) -> "dict[int, NDArray[np.float32]]":
        with self._read() as run:
            return embedding.known(run, self._place, fingerprint, texts)

    def add_vectors(self, fingerprint: str, ids: Sequence[int], vectors: "NDArray[np.float32]") -> None:
        with self._change() as run:
            now = self._vectors(run)
            if now.fingerprint != fingerprint:
                raise DimensionMismatch(now.fingerprint, fingerprint)
            if now.dim not in {0, vectors.shape[1]}:
                raise DimensionMismatch(now.dim, vectors.shape[1])
            embedding.add(run, self._place, now, ids, vectors)

    def by_words(self, words: Sequence[str], limit: int) -> list[Scored]:
        queries = self._terms.queries(words)
        with self._read() as run:
            return wordsearch.find(run, self._place, queries, limit)

    def by_vector(self, vector: "NDArray[np.float32]", limit: int) -> list[Scored]:
        with self._read() as run:
            for attempt in range(3):
                now = self._vectors(run)
                if now.dim not in {0, len(vector)}:
                    raise DimensionMismatch(now.dim, len(vector))
                if not now.dim or limit < 1:
                    return []
                try:
                    return embedding.nearest(run, self._place, now, vector, limit)
                except Refused as error:  # another embedder was set in between
                    if error.code != _OTHER_DIM or attempt == 2:
                        raise
        return []

    def passages(self, ids: Sequence[int]) -> list[Stored]:
        with self._read() as run:
            return reading.passages(run, self._place.tables, ids)

    def neighbours(self, path: str, first: int, last: int) -> list[Stored]:
        with self._read() as run:
            return reading.neighbours(run, self._place.tables, path, first, last)

    def extracted(self, path: str) -> Extracted | None:
        with self._read() as run:
            return reading.extracted(run, self._place.tables, path)

    def each(self) -> Iterator[Stored]:
        with self._read() as run:
            documents = reading.in_order(run, self._place.tables)
        for start in range(0, len(documents), _AT_ONCE):
            with self._read() as run:
                found = reading.of_documents(run, self._place.tables, documents[start : start + _AT_ONCE])
            yield from found

    def tidy(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        with self._read() as run:
            rows = run.query(
                "SELECT is_untidy, changed, passages, embedded FROM ally.collection WHERE id = :number::integer",
                number=self._place.number,
            )
            if not rows:
                raise self._gone(run)
            is_untidy, changed, passages, embedded = rows[0]
        if is_untidy:
            with self._change() as run:
                embedding.tidy(run, self._place)
        with self._lock, self._read() as run:
            self._demand_writing()
            if changed > max(passages / 3, _WORTH_PASSAGES):
                run.run(f"VACUUM (ANALYZE) {', '.join(self._place.tables.all)}")
                self._set(run, "changed = :value::bigint", 0)
            now = self._vectors(run)
            is_wanted = self._is_large(now) and not now.is_near and embedded == passages
            if is_wanted and now.dim <= embedding.MOST_DIM and self._pool.server(run).is_indexable:
                embedding.build(run, self._place, now.dim, self._pool, is_stopped)

    def close(self) -> None:
        """Nothing of its own is open: connections belong to the shelf."""

    def _later(self, change: Change, passages: int = 0) -> None:
        """Do it with the next commit."""
        with self._lock:
            self._demand_writing()
            now = time.monotonic()
            if not self._pending:
                self._pending_since = now
            self._pending.append(change)
            self._pending_passages += passages
            is_much = len(self._pending) >= _MOST_CHANGES or self._pending_passages >= _MOST_PASSAGES
            if is_much or now - self._pending_since >= _LONGEST_S:
                self._flush()

    def _flush(self) -> None:
        with self._lock:
            if not self._pending or self._writer is None:
                return
            pending, self._pending, self._pending_passages = self._pending, [], 0
            run = self._writer
            with self._understandable(run), run.transaction():
                counts = Writer(run, self._place, self._terms).make(pending)
                run.query(
                    "UPDATE ally.collection SET passages = passages + :passages::bigint,"
                    " embedded = embedded + :embedded::bigint, words = words + :words::bigint,"
                    " changed = changed + :changed::bigint, is_untidy = is_untidy OR :is_untidy::boolean,"
                    " updated_at = :now::float8 WHERE id = :number::integer",
                    passages=counts.passages,
                    embedded=counts.embedded,
                    words=counts.words,
                    changed=counts.changed,
                    is_untidy=counts.is_untidy,
                    now=time.time(),
                    number=self._place.number,
                )

    @contextlib.contextmanager
    def _read(self) -> Generator[Connection, None, None]:
        with self._lock:
            self._flush()
            if self._writer is not None:
                with self._understandable(self._writer):
                    yield self._writer
                    self._writer.note()
                return
            with self._pool.borrowed() as run, self._understandable(run):
                yield run

    @contextlib.contextmanager
    def _change(self) -> Generator[Connection, None, None]:
        with self._lock:
            run = self._demand_writing()
            self._flush()
            with self._understandable(run), run.transaction():
                yield run
                self._set(run, "updated_at = :value::float8", time.time())

    def _demand_writing(self) -> Connection:
        if self._writer is None:
            raise RuntimeError("a collection is changed inside writing()")
        return self._writer

    def _set(self, run: Connection, what: str, value: object) -> None:
        sql = f"UPDATE ally.collection SET {what} WHERE id = :number::integer RETURNING id"  # noqa: S608 - constants
        if not run.query(sql, value=value, number=self._place.number):
            raise self._gone(run)

    def _vectors(self, run: Connection) -> Vectors:
        now = embedding.read(run, self._place)
        if now is None:
            raise self._gone(run)
        return now

    def _is_large(self, now: Vectors) -> bool:
        return now.count * now.dim > self._exact_numbers

    def _notes(self, run: Connection, now: Vectors) -> tuple[str, ...]:
        if not self._is_large(now) or now.is_near or self._pool.server(run).is_indexable:
            return ()
        return (f"All {now.count:,} vectors are gone through for each search; pgvector 0.7 would make that faster.",)

    @contextlib.contextmanager
    def _understandable(self, run: Connection) -> Generator[None, None, None]:
        try:
            yield
        except Refused as error:
            if error.code == _NO_TABLE:
                raise self._gone(run) from error
            raise

    def _gone(self, run: Connection) -> StorageError:
        hint = "ally kb list shows what there is"
        return StorageError(path_of(run.address), f"{self._name} was removed meanwhile.", hint=hint)


@contextlib.contextmanager
def locked(run: Connection, place: Place, name: str) -> Generator[None, None, None]:
    """Be the one who changes a collection; the server drops the lock when the connection ends.

    Raises:
        StorageError: another process is.
    """
    keys = {"locks": LOCKS, "number": place.number}
    ((is_mine,),) = run.query("SELECT pg_try_advisory_lock(:locks::integer, :number::integer)", **keys)
    if not is_mine:
        problem = f"{name} is being changed by another process."
        raise StorageError(path_of(run.address), problem, hint="try again when that is done")
    try:
        yield
    finally:
        if not run.is_lost:
            with contextlib.suppress(StorageError):  # lost by now, and so is the lock
                run.query("SELECT pg_advisory_unlock(:locks::integer, :number::integer)", **keys)
