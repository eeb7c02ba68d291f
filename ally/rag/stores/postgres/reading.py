"""Documents and passages as they were put. Each function is one statement, so it sees one state of the collection."""

import os
from collections.abc import Callable, Sequence

from ally.rag.document import Extracted, Passage
from ally.rag.stores.base import FileState, Stored
from ally.rag.stores.postgres.connection import Connection, Row, array
from ally.rag.stores.postgres.schema import Tables
from ally.rag.stores.postgres.writing import decode_about, key_of
from ally.rag.stores.text import BLOCK_CHARS, cut, decode_block, unpack

# Passages share blocks, so each block comes once, in rows of its own: document, number, data.
_READ = (
    "WITH p AS MATERIALIZED (SELECT p.id, p.document, p.position, p.start, p.stop, p.about, d.path"  # noqa: S608 - constants
    " FROM {{passage}} AS p JOIN {{document}} AS d ON d.id = p.document WHERE {where})"
    " SELECT id, document, position, start, stop, about, path FROM p UNION ALL"
    " SELECT NULL, b.document, b.number, 0, 0, b.data, NULL FROM {{block}} AS b JOIN (SELECT DISTINCT p.document,"
    f" n.number FROM p, generate_series(p.start / {BLOCK_CHARS} + 1,"
    f" greatest(p.start, p.stop - 1) / {BLOCK_CHARS} + 1) AS n (number)) AS w"
    " ON w.document = b.document AND w.number = b.number"
)


def files(run: Connection, sql: Tables) -> dict[str, FileState]:
    """All documents by path."""
    rows = run.query(sql("SELECT path, size, mtime_ns, sha256, problem FROM {document} ORDER BY path"))
    states = (FileState(os.fsdecode(path), *rest) for path, *rest in rows)
    return {state.path: state for state in states}


def state(run: Connection, sql: Tables, path: str) -> FileState | None:
    """One of them."""
    found = "SELECT size, mtime_ns, sha256, problem FROM {document} WHERE key = :key::uuid"
    rows = run.query(sql(found), key=key_of(path))
    return FileState(path, *rows[0]) if rows else None


def extracted(run: Connection, sql: Tables, path: str) -> Extracted | None:
    """A document as it was put; None if there is none, or it was skipped."""
    rows = run.query(
        sql(
            "SELECT b.data FROM {document} AS d JOIN {block} AS b ON b.document = d.id WHERE d.key = :key::uuid"
            " ORDER BY b.number"
        ),
        key=key_of(path),
    )
    return unpack([data for (data,) in rows]) if rows else None


def passages(run: Connection, sql: Tables, ids: Sequence[int]) -> list[Stored]:
    """These passages in this order, without those that are not there."""
    found = {one.id: one for one in _read(run, sql, "p.id = ANY(:ids::bigint[])", ids=array(ids))} if ids else {}
    return [found[one] for one in ids if one in found]


def neighbours(run: Connection, sql: Tables, path: str, first: int, last: int) -> list[Stored]:
    """The passages of a document from position `first` to `last`."""
    where = "d.key = :key::uuid AND p.position BETWEEN :first::bigint AND :last::bigint"
    return _read(run, sql, where, key=key_of(path), first=first, last=last)


def in_order(run: Connection, sql: Tables) -> list[int]:
    """The ids of all documents that have text, by path."""
    return [one for (one,) in run.query(sql("SELECT id FROM {document} WHERE problem = '' ORDER BY path"))]


def of_documents(run: Connection, sql: Tables, documents: Sequence[int]) -> list[Stored]:
    """All passages of documents, by path and position."""
    return _read(run, sql, "p.document = ANY(:ids::bigint[])", ids=array(documents))


def _read(run: Connection, sql: Tables, where: str, **values: object) -> list[Stored]:
    """The passages that a condition is true for, by path and position."""
    found: list[Row] = []
    blocks: dict[tuple[int, int], bytes] = {}
    for row in run.query(sql(_READ.format(where=where)), **values):
        if row[0] is None:
            blocks[row[1], row[2]] = row[5]
        else:
            found.append(row)
    read = _Reader(blocks)
    stored = [read.stored(row) for row in found]
    return sorted(stored, key=lambda one: (os.fsencode(one.path), one.position))


class _Reader:
    """Makes passages of rows; a block is unpacked once."""

    def __init__(self, blocks: dict[tuple[int, int], bytes]) -> None:
        self._blocks = blocks
        self._read: dict[tuple[int, int], str] = {}

    def stored(self, row: Row) -> Stored:
        """The passage of a row of the statement."""
        id_, document, position, start, end, data, path = row
        about = decode_about(data)
        text = cut(start, end, self._block_of(document)) if about.own is None else about.own
        return Stored(id_, os.fsdecode(path), position, Passage(text, start, end, about.place, about.headings))

    def _block_of(self, document: int) -> Callable[[int], str]:
        def read(number: int) -> str:
            wanted = document, number
            if wanted not in self._read:
                data = self._blocks.get(wanted)
                self._read[wanted] = decode_block(data) if data else ""
            return self._read[wanted]

        return read
