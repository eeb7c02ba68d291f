"""Documents and their passages in the tables."""

import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from ally.rag.document import Extracted, Passage, Place
from ally.rag.stores.base import FileState, Stored
from ally.rag.stores.text import clean, cut, decode_block, digest, indexed, pack, unpack

_BLOCKS = 1 << 20
_encode = msgspec.msgpack.Encoder().encode
_decode_headings = msgspec.msgpack.Decoder(tuple[str, ...]).decode

_COLUMNS = (
    "p.id, p.document, p.position, p.start, p.end, p.line_start, p.line_end, p.label, p.headings, p.own, d.path "
    "FROM passage AS p JOIN document AS d ON d.id = p.document"
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A passage as it goes into the table, without its id."""

    start: int
    end: int
    place: Place
    headings: bytes
    own: str | None
    digest: bytes
    words: tuple[str, str, str]

    @property
    def where(self) -> tuple[int, int, int, int, str, str | None]:
        """What may change while the passage stays the same."""
        place = self.place
        return self.start, self.end, place.line_start, place.line_end, place.label, self.own


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be written: what takes time is done before the database is locked."""

    state: FileState
    blocks: list[bytes]
    rows: list[_Row]

    @classmethod
    def of(cls, state: FileState, document: Extracted, passages: Sequence[Passage]) -> "Prepared":
        document, passages = clean(document, passages)
        return cls(state, pack(document), [_row(passage, document.text) for passage in passages])


def _row(passage: Passage, text: str) -> _Row:
    own = None if text[passage.start : passage.end] == passage.text else passage.text
    headings = _encode(passage.headings)
    return _Row(passage.start, passage.end, passage.place, headings, own, digest(passage.searched), indexed(passage))


def put(run: sqlite3.Connection, prepared: Prepared) -> None:
    """Write a document in place of what was there. A passage that is there already keeps its id."""
    document = note(run, prepared.state)
    old: defaultdict[tuple[bytes, bytes], list[int]] = defaultdict(list)
    query = (
        "SELECT p.id, t.digest, p.headings FROM passage AS p JOIN text AS t ON t.id = p.text WHERE p.document = ? "
        "ORDER BY p.position DESC"
    )
    for passage, known, headings in run.execute(query, (document,)):
        old[known, headings].append(passage)
    kept: list[tuple[int, int, int, int, int, str, str | None, int]] = []
    new: list[tuple[int, _Row]] = []
    for position, row in enumerate(prepared.rows):
        if same := old.get((row.digest, row.headings)):
            kept.append((position, *row.where, same.pop()))
        else:
            new.append((position, row))
    _forget(run, document, [passage for passages in old.values() for passage in passages])
    run.execute("DELETE FROM block WHERE id >= ? AND id < ?", _block_range(document))
    run.executemany(
        "INSERT INTO block (id, data) VALUES (?, ?)",
        ((document * _BLOCKS + number, data) for number, data in enumerate(prepared.blocks)),
    )
    run.executemany(
        "UPDATE passage SET position = ?, start = ?, end = ?, line_start = ?, line_end = ?, label = ?, own = ? "
        "WHERE id = ?",
        kept,
    )
    _insert(run, document, new)


def note(run: sqlite3.Connection, state: FileState) -> int:
    """Write the state of a file; the id of its document."""
    values = (os.fsencode(state.path), state.size, state.mtime_ns, state.sha256, state.problem)
    (document,) = run.execute(
        "INSERT INTO document (path, size, mtime_ns, sha256, problem) VALUES (?, ?, ?, ?, ?) ON CONFLICT (path) "
        "DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, sha256 = excluded.sha256, "
        "problem = excluded.problem RETURNING id",
        values,
    ).fetchone()
    return document


def skip(run: sqlite3.Connection, state: FileState) -> None:
    """Note why a file is not in; its text goes."""
    _empty(run, note(run, state))


def move(run: sqlite3.Connection, old_path: str, state: FileState) -> None:
    """Give a document another path; what was there goes."""
    if old_path != state.path:
        remove(run, [state.path])
        run.execute("UPDATE document SET path = ? WHERE path = ?", (os.fsencode(state.path), os.fsencode(old_path)))
    note(run, state)


def remove(run: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Forget documents; paths that are unknown are passed over."""
    for path in paths:
        document = find(run, path)
        if document is not None:
            _empty(run, document)
            run.execute("DELETE FROM document WHERE id = ?", (document,))


def files(run: sqlite3.Connection) -> dict[str, FileState]:
    """All documents by path."""
    rows = run.execute("SELECT path, size, mtime_ns, sha256, problem FROM document ORDER BY path")
    states = (FileState(os.fsdecode(path), *rest) for path, *rest in rows)
    return {state.path: state for state in states}


def state(run: sqlite3.Connection, path: str) -> FileState | None:
    """One of them."""
    where = "SELECT size, mtime_ns, sha256, problem FROM document WHERE path = ?"
    row = run.execute(where, (os.fsencode(path),)).fetchone()
    return FileState(path, *row) if row else None


def find(run: sqlite3.Connection, path: str) -> int | None:
    """The id of a document."""
    row = run.execute("SELECT id FROM document WHERE path = ?", (os.fsencode(path),)).fetchone()
    return row[0] if row else None


def extracted(run: sqlite3.Connection, document: int) -> Extracted | None:
    """A document as it was put; None if it was skipped."""
    rows = run.execute("SELECT data FROM block WHERE id >= ? AND id < ? ORDER BY id", _block_range(document))
    blocks = [data for (data,) in rows]
    return unpack(blocks) if blocks else None


def passages(run: sqlite3.Connection, ids: Sequence[int]) -> list[Stored]:
    """These passages in this order, without those that are not there."""
    read = _Reader(run)
    rows = (run.execute(f"SELECT {_COLUMNS} WHERE p.id = ?", (one,)).fetchone() for one in ids)
    return [read.stored(row) for row in rows if row]


def stretch(run: sqlite3.Connection, document: int, first: int = 0, last: int = 1 << 62) -> Iterator[Stored]:
    """The passages of a document from position `first` to `last`."""
    read = _Reader(run)
    query = f"SELECT {_COLUMNS} WHERE p.document = ? AND p.position BETWEEN ? AND ? ORDER BY p.position"
    return map(read.stored, run.execute(query, (document, first, last)).fetchall())


def in_order(run: sqlite3.Connection) -> list[int]:
    """The ids of all documents that have text, by path."""
    return [document for (document,) in run.execute("SELECT id FROM document WHERE problem = '' ORDER BY path")]


class _Reader:
    """Makes passages of rows; blocks that were read last are kept."""

    def __init__(self, run: sqlite3.Connection) -> None:
        self._run = run
        self._blocks: dict[int, str] = {}

    def stored(self, row: tuple[int, int, int, int, int, int, int, str, bytes, str | None, bytes]) -> Stored:
        """The passage of a row of `_COLUMNS`."""
        id_, document, position, start, end, line_start, line_end, label, headings, own, path = row
        text = cut(start, end, self._block_of(document)) if own is None else own
        place = Place(line_start, line_end, label)
        return Stored(id_, os.fsdecode(path), position, Passage(text, start, end, place, _decode_headings(headings)))

    def _block_of(self, document: int) -> Callable[[int], str]:
        def read(number: int) -> str:
            wanted = document * _BLOCKS + number
            if wanted not in self._blocks:
                if len(self._blocks) > 8:
                    self._blocks.clear()
                row = self._run.execute("SELECT data FROM block WHERE id = ?", (wanted,)).fetchone()
                self._blocks[wanted] = decode_block(row[0]) if row else ""
            return self._blocks[wanted]

        return read


def _insert(run: sqlite3.Connection, document: int, new: Sequence[tuple[int, _Row]]) -> None:
    if not new:
        return
    (first,) = run.execute("SELECT next_passage FROM state").fetchone()
    run.execute("UPDATE state SET next_passage = ?", (first + len(new),))
    run.executemany("INSERT OR IGNORE INTO text (digest) VALUES (?)", ((row.digest,) for _, row in new))
    texts = [run.execute("SELECT id FROM text WHERE digest = ?", (row.digest,)).fetchone()[0] for _, row in new]
    run.executemany(
        "INSERT INTO passage (id, document, position, start, end, line_start, line_end, label, own, headings, text) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((first + n, document, position, *row.where, row.headings, texts[n]) for n, (position, row) in enumerate(new)),
    )
    run.executemany(
        "INSERT INTO words (rowid, text, headings, pairs) VALUES (?, ?, ?, ?)",
        ((first + n, *row.words) for n, (_, row) in enumerate(new)),
    )


def _empty(run: sqlite3.Connection, document: int) -> None:
    _forget(run, document, [one for (one,) in run.execute("SELECT id FROM passage WHERE document = ?", (document,))])
    run.execute("DELETE FROM block WHERE id >= ? AND id < ?", _block_range(document))


def _forget(run: sqlite3.Connection, document: int, ids: Sequence[int]) -> None:
    """Delete passages; the index has to be told word by word what it forgets."""
    if not ids:
        return
    gone = set(ids)
    run.executemany(
        "INSERT INTO words (words, rowid, text, headings, pairs) VALUES ('delete', ?, ?, ?, ?)",
        ((one.id, *indexed(one.passage)) for one in stretch(run, document) if one.id in gone),
    )
    run.executemany("DELETE FROM passage WHERE id = ?", ((one,) for one in ids))
    run.execute("UPDATE state SET is_untidy = 1, removed = removed + ?", (len(ids),))


def _block_range(document: int) -> tuple[int, int]:
    return document * _BLOCKS, (document + 1) * _BLOCKS
