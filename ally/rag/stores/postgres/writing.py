"""Changes of a collection, many at once: a handful of statements whether it is one file or a thousand."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import UUID

import msgspec

from ally.rag.document import Extracted, Passage, Place
from ally.rag.stores.base import FileState
from ally.rag.stores.postgres import schema
from ally.rag.stores.postgres.connection import Connection, array
from ally.rag.stores.postgres.terms import Terms
from ally.rag.stores.text import clean, digest, pack


class About(msgspec.Struct, frozen=True, array_like=True):
    """What else is known of a passage; `own` is its text where that is not the document's from start to end."""

    place: Place
    headings: tuple[str, ...]
    own: str | None


encode_about = msgspec.msgpack.Encoder().encode
decode_about = msgspec.msgpack.Decoder(About).decode


@dataclass(frozen=True, slots=True)
class _Row:
    """A passage as it goes into the table, without its id."""

    passage: Passage
    about: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a file becomes; nothing for one that is skipped."""

    blocks: list[bytes] = field(default_factory=list[bytes])
    rows: list[_Row] = field(default_factory=list["_Row"])

    @classmethod
    def of(cls, document: Extracted, passages: Sequence[Passage]) -> "Content":
        """What takes time, done before anything is locked."""
        document, passages = clean(document, passages)
        rows: list[_Row] = []
        for one in passages:
            own = None if document.text[one.start : one.end] == one.text else one.text
            about = encode_about(About(one.place, one.headings, own))
            rows.append(_Row(one, about, _uuid(digest(one.searched))))
        return cls(pack(document), rows)


@dataclass(frozen=True, slots=True)
class Put:
    """A file with its content; None leaves what is known of it."""

    state: FileState
    content: Content | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """What it touches."""
        return (self.state.path,)


@dataclass(frozen=True, slots=True)
class Move:
    """A file that is somewhere else now."""

    old_path: str
    state: FileState

    @property
    def paths(self) -> tuple[str, ...]:
        """What it touches."""
        return (self.old_path, self.state.path) if self.old_path != self.state.path else (self.old_path,)


@dataclass(frozen=True, slots=True)
class Remove:
    """Files to be forgotten."""

    paths: tuple[str, ...]


Change = Put | Move | Remove


@dataclass(slots=True)
class Counts:
    """By how much the numbers of a collection change."""

    passages: int = 0
    embedded: int = 0
    words: int = 0
    changed: int = 0
    is_untidy: bool = False


class Writer:
    """Makes changes in one transaction, which its caller begins and ends."""

    def __init__(self, run: Connection, place: schema.Place, terms: Terms) -> None:
        self._run = run
        self._place = place
        self._sql = place.tables
        self._terms = terms
        self._counts = Counts()

    def make(self, changes: Iterable[Change]) -> Counts:
        """Make them in this order; what they add up to."""
        for group in _groups(changes):
            self._put([one for one in group if isinstance(one, Put)])
            self._move([one for one in group if isinstance(one, Move)])
            self._remove([path for one in group if isinstance(one, Remove) for path in one.paths])
        return self._counts

    def _put(self, files: Sequence[Put]) -> None:
        if not files:
            return
        noted = self._note([file.state for file in files])
        contents = [(noted[key_of(file.state.path)], file.content) for file in files if file.content is not None]
        before = [document for (document, is_new), _ in contents if not is_new]
        old = self._old_passages(before)
        kept: list[tuple[int, int, _Row]] = []
        new: list[tuple[int, int, _Row]] = []
        for (document, _), content in contents:
            for position, row in enumerate(content.rows):
                if same := old.get((document, row.digest, row.passage.headings)):
                    kept.append((same.pop(), position, row))
                else:
                    new.append((document, position, row))
        self._forget([one for ids in old.values() for one in ids])
        if before:
            self._run.query(self._sql("DELETE FROM {block} WHERE document = ANY(:ids::bigint[])"), ids=array(before))
        blocks = ((document, n, data) for (document, _), one in contents for n, data in enumerate(one.blocks))
        self._copy("{block} (document, number, data)", blocks)
        self._update(kept)
        self._insert(new)

    def _note(self, states: Sequence[FileState]) -> dict[str, tuple[int, bool]]:
        """Write the states of files; by key the ids of their documents, and whether these are new."""
        rows = self._run.query(
            self._sql(
                "INSERT INTO {document} (key, path, size, mtime_ns, sha256, problem) SELECT * FROM unnest("
                ":keys::uuid[], :paths::bytea[], :sizes::bigint[], :times::bigint[], :hashes::text[], :problems::text[]"
                ") ON CONFLICT (key) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,"
                " sha256 = excluded.sha256, problem = excluded.problem RETURNING key::text, id, xmax = 0"
            ),
            keys=array(key_of(one.path) for one in states),
            paths=array(os.fsencode(one.path) for one in states),
            sizes=array(one.size for one in states),
            times=array(one.mtime_ns for one in states),
            hashes=array(one.sha256 for one in states),
            problems=array(_storable(one.problem) for one in states),
        )
        return {key: (document, is_new) for key, document, is_new in rows}

    def _old_passages(self, documents: Sequence[int]) -> dict[tuple[int, str, tuple[str, ...]], list[int]]:
        """The passages of documents by what makes them the same, the last ones first."""
        old: defaultdict[tuple[int, str, tuple[str, ...]], list[int]] = defaultdict(list)
        if documents:
            rows = self._run.query(
                self._sql(
                    "SELECT p.id, p.document, t.digest::text, p.about FROM {passage} AS p JOIN {text} AS t"
                    " ON t.id = p.text WHERE p.document = ANY(:ids::bigint[]) ORDER BY p.document, p.position DESC"
                ),
                ids=array(documents),
            )
            for passage, document, known, about in rows:
                old[document, known, decode_about(about).headings].append(passage)
        return old

    def _forget(self, ids: Sequence[int]) -> None:
        if ids:
            self._count_gone("DELETE FROM {passage} WHERE id = ANY(:ids::bigint[])", ids)

    def _empty(self, documents: Sequence[int]) -> None:
        if documents:
            self._count_gone("DELETE FROM {passage} WHERE document = ANY(:ids::bigint[])", documents)
            sql = "DELETE FROM {block} WHERE document = ANY(:ids::bigint[])"
            self._run.query(self._sql(sql), ids=array(documents))

    def _count_gone(self, delete: str, ids: Sequence[int]) -> None:
        ((passages, embedded, words),) = self._run.query(
            self._sql(
                f"WITH gone AS ({delete} RETURNING id, text),"  # noqa: S608 - constants
                " told AS (DELETE FROM {words} AS w USING gone WHERE w.id = gone.id RETURNING w.length)"
                " SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM gone JOIN {text} AS t ON t.id = gone.text"
                " WHERE t.is_embedded), (SELECT coalesce(sum(length), 0)::bigint FROM told)"
            ),
            ids=array(ids),
        )
        counts = self._counts
        counts.passages -= passages
        counts.embedded -= embedded
        counts.words -= words
        counts.changed += passages
        counts.is_untidy |= passages > 0

    def _update(self, kept: Sequence[tuple[int, int, _Row]]) -> None:
        if kept:
            self._run.query(
                self._sql(
                    "UPDATE {passage} AS p SET position = u.position, start = u.start, stop = u.stop, about = u.about"
                    " FROM unnest(:ids::bigint[], :positions::integer[], :starts::integer[], :stops::integer[],"
                    " :abouts::bytea[]) AS u (id, position, start, stop, about) WHERE p.id = u.id AND"
                    " (p.position, p.start, p.stop, p.about) IS DISTINCT FROM (u.position, u.start, u.stop, u.about)"
                ),
                ids=array(one for one, _, _ in kept),
                positions=array(position for _, position, _ in kept),
                starts=array(row.passage.start for _, _, row in kept),
                stops=array(row.passage.end for _, _, row in kept),
                abouts=array(row.about for _, _, row in kept),
            )

    def _insert(self, new: Sequence[tuple[int, int, _Row]]) -> None:
        if not new:
            return
        ((first,),) = self._run.query(
            "UPDATE ally.collection SET next_passage = next_passage + :count::bigint WHERE id = :number::integer"
            " RETURNING next_passage - :count::bigint",
            count=len(new),
            number=self._place.number,
        )
        texts = self._texts([row.digest for _, _, row in new])
        self._copy(
            "{passage} (id, document, position, start, stop, text, about)",
            (
                (first + n, document, position, row.passage.start, row.passage.end, texts[row.digest][0], row.about)
                for n, (document, position, row) in enumerate(new)
            ),
        )
        vectors = self._terms.vectors(row.passage for _, _, row in new)
        rows = ((first + n, length, words) for n, (length, words) in enumerate(vectors))
        self._copy("{words} (id, length, words)", rows)
        counts = self._counts
        counts.passages += len(new)
        counts.embedded += sum(texts[row.digest][1] for _, _, row in new)
        counts.words += sum(length for length, _ in vectors)
        counts.changed += len(new)

    def _texts(self, digests: Sequence[str]) -> dict[str, tuple[int, bool]]:
        """Ids of texts, the new ones in this order, and whether they have a vector."""
        wanted = array(dict.fromkeys(digests))
        self._run.query(
            self._sql(
                "INSERT INTO {text} (digest) SELECT u.digest FROM unnest(:digests::uuid[]) WITH ORDINALITY"
                " AS u (digest, n) ORDER BY u.n ON CONFLICT DO NOTHING"
            ),
            digests=wanted,
        )
        rows = self._run.query(
            self._sql("SELECT digest::text, id, is_embedded FROM {text} WHERE digest = ANY(:digests::uuid[])"),
            digests=wanted,
        )
        return {known: (text, is_embedded) for known, text, is_embedded in rows}

    def _move(self, moves: Sequence[Move]) -> None:
        elsewhere = [one for one in moves if one.old_path != one.state.path]
        if elsewhere:
            self._remove([one.state.path for one in elsewhere])
            self._run.query(
                self._sql(
                    "UPDATE {document} AS d SET key = u.key, path = u.path FROM unnest(:olds::uuid[], :keys::uuid[],"
                    " :paths::bytea[]) AS u (old, key, path) WHERE d.key = u.old"
                ),
                olds=array(key_of(one.old_path) for one in elsewhere),
                keys=array(key_of(one.state.path) for one in elsewhere),
                paths=array(os.fsencode(one.state.path) for one in elsewhere),
            )
        if moves:
            self._note([one.state for one in moves])

    def _remove(self, paths: Sequence[str]) -> None:
        if paths:
            sql = self._sql("DELETE FROM {document} WHERE key = ANY(:keys::uuid[]) RETURNING id")
            self._empty([one for (one,) in self._run.query(sql, keys=array(map(key_of, paths)))])

    def _copy(self, table: str, rows: Iterable[tuple[int | str | bytes, ...]]) -> None:
        data = "".join("\t".join(map(_cell, row)) + "\n" for row in rows)
        if data:
            self._run.copy(self._sql(f"COPY {table} FROM STDIN"), data.encode())


def key_of(path: str) -> str:
    """What a document is found by; paths may be longer than an index takes."""
    return _uuid(blake2b(os.fsencode(path), digest_size=16).digest())


def text_key(searched: str) -> str:
    """What a text is found by."""
    return _uuid(digest(searched))


def _uuid(data: bytes) -> str:
    return str(UUID(bytes=data))


def _cell(value: int | str | bytes) -> str:
    """A value for COPY, whose strings here never hold a backslash, a tab or the end of a line."""
    return f"\\\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _storable(text: str) -> str:
    """What PostgreSQL can keep as text: no NUL and no halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _groups(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """What can be done at once: changes of one kind, of which none touches what another does."""
    group: list[Change] = []
    touched: set[str] = set()
    for one in changes:
        if group and (type(one) is not type(group[0]) or not touched.isdisjoint(one.paths)):
            yield group
            group, touched = [], set()
        group.append(one)
        touched.update(one.paths)
    if group:
        yield group
