"""The words of passages and queries, exactly as the embedded store has them: SQLite's FTS5 folds and stems them.

PostgreSQL's own parsers would make other words of the same text, so that a search would find one thing in one store and
another in the other. Here it gets finished words with their positions.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from ally.rag.document import Passage
from ally.rag.stores.text import TOKENIZER, indexed, looked_up

_TABLES = (
    f"CREATE VIRTUAL TABLE words USING fts5 (text, headings, pairs, content='', tokenize=\"{TOKENIZER}\")",
    "CREATE VIRTUAL TABLE found USING fts5vocab(words, instance)",
)
_LONGEST_BYTES = 200
"""Of a word; PostgreSQL takes up to 2,046."""

_LAST_POSITION = 16_383
"""The greatest that a tsvector has."""

_GAP = 2
"""Between headings, text and pairs, so that no words stand in a row that belong to two of them."""


class Terms:
    """Makes words of text; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run: sqlite3.Connection | None = None

    def vectors(self, passages: Iterable[Passage]) -> list[tuple[int, str]]:
        """For each passage how many words it has, and a tsvector of them: those of headings have weight A."""
        return [(len(one), _vector(one)) for one in self._split([indexed(passage) for passage in passages])]

    def queries(self, words: Sequence[str]) -> list[str]:
        """Each word as a tsquery, once.

        A word of several parts (`os.path`, `don't`) is looked up as each of its parts and as all of them in a row; what
        is written without blanks as its pairs of signs.
        """
        wanted: dict[str, None] = {}
        for word in words:
            parts, pairs = looked_up(word)
            wanted |= dict.fromkeys([*parts, *([" ".join(parts)] if len(parts) > 1 else []), *pairs])
        split = self._split([(one, "", "") for one in wanted])
        in_a_row = ([word for _, word in sorted((at, word) for word, _, at in one)] for one in split if one)
        return list(dict.fromkeys(" <-> ".join(map(_quoted, one)) for one in in_a_row))

    def close(self) -> None:
        """Let go of the memory."""
        with self._lock:
            if self._run is not None:
                self._run.close()
            self._run = None

    def _split(self, texts: Sequence[tuple[str, str, str]]) -> list[list[tuple[str, str, int]]]:
        """The words of each (text, headings, pairs), each with its column and where it stands there, from 0."""
        found: list[list[tuple[str, str, int]]] = [[] for _ in texts]
        with self._lock:
            run = self._connect()
            rows = ((n, *one) for n, one in enumerate(texts))
            run.executemany("INSERT INTO words (rowid, text, headings, pairs) VALUES (?, ?, ?, ?)", rows)
            for word, row, column, at in run.execute("SELECT term, doc, col, offset FROM found"):
                found[int(row)].append((word, column, at))
            run.execute("INSERT INTO words (words) VALUES ('delete-all')")
        return found

    def _connect(self) -> sqlite3.Connection:
        if self._run is None:
            self._run = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            for statement in _TABLES:
                self._run.execute(statement)
        return self._run


def _vector(words: Sequence[tuple[str, str, int]]) -> str:
    headings = 1
    text = headings + sum(column == "headings" for _, column, _ in words) + _GAP
    pairs = text + sum(column == "text" for _, column, _ in words) + _GAP
    starts = {"headings": (headings, "A"), "text": (text, ""), "pairs": (pairs, "")}
    positions: dict[str, list[str]] = {}
    for word, column, at in words:
        start, weight = starts[column]
        where = positions.setdefault(word, [])
        if start + at <= _LAST_POSITION:
            where.append(f"{start + at}{weight}")
    return " ".join(
        f"{_quoted(word)}:{','.join(where)}" if where else _quoted(word) for word, where in positions.items()
    )


def _quoted(word: str) -> str:
    """A word in a tsvector or tsquery. It has letters, digits and marks only; a very long one is cut."""
    data = word.encode()
    if len(data) > _LONGEST_BYTES:
        word = f"{word[:40]}{blake2b(data, digest_size=8).hexdigest()}"
    return "'" + word.replace("\\", "").replace("'", "''") + "'"
