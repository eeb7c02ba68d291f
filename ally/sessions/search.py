"""Finding what was said: an index of words (FTS5), which is made when somebody searches, so that saying costs nothing.

Where the index finds nothing, cannot be used, or the language does not set its words apart, the messages themselves are
looked through.
"""

import contextlib
import re
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ally.errors import StorageError
from ally.messages import AssistantMessage, Message, ToolMessage, UserMessage
from ally.sessions.branches import Living
from ally.sessions.entries import read_entry
from ally.sessions.log import Log

MAX_RESULT_CHARACTERS = 4000
"""Of each result of a tool; of what is said, everything is found."""

_BATCH = 500
_AROUND = 60
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_MESSAGES = "kind IN ('user', 'assistant', 'tool')"


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that holds the words. `at` is in seconds since 1970."""

    session: str
    title: str
    folder: str
    role: str
    at: int
    excerpt: str


_Row = tuple[str, str, str, str, int, str, int]
_COLUMNS = "e.session, s.title, s.folder, e.kind, e.at, e.body, e.id"


def search_log(log: Log, text: str, folder: str | None, limit: int) -> tuple[Hit, ...]:
    """Messages that hold all words of `text`, newest first, at most `limit`.

    Raises:
        StorageError: the log cannot be read.
    """
    words = _folded(text).split()
    if not words:
        return ()
    rows: list[_Row] = []
    if not _UNSPACED.search(text) and _index(log):
        rows = log.read(lambda run: _living(run, _look_up(run, words, folder), limit))
    if not rows:
        rows = log.read(lambda run: _living(run, _look_through(run, words, folder), limit))
    return tuple(_hit(row, words) for row in rows)


def said(message: Message) -> str:
    """What can be found of a message."""
    match message:
        case UserMessage():
            return message.text
        case AssistantMessage():
            return message.shown_text
        case ToolMessage(results):
            return "\n".join(result.for_model[:MAX_RESULT_CHARACTERS] for result in results)


def forget(run: sqlite3.Connection, entries: Sequence[int]) -> None:
    """Remove entries from the index; merging it all then overwrites what their words left in it."""
    if run.execute("SELECT 1 FROM sqlite_master WHERE name = 'found'").fetchone() is None:
        return
    try:
        run.executemany("DELETE FROM found WHERE rowid = ?", [(entry,) for entry in entries])
        run.execute("INSERT INTO found (found) VALUES ('optimize')")
    except sqlite3.DatabaseError:
        run.execute("DROP TABLE found")  # damaged: the next search makes it anew


def _index(log: Log) -> bool:
    """Bring the index up to date; False where there can be none."""
    try:
        while more := log.write(_index_some):
            if more < 0:
                return False
    except StorageError:  # a full disk, or a file that may only be read
        return False
    return True


def _index_some(run: sqlite3.Connection) -> int:
    """Index the next messages, a few at once, so that nobody else waits long: how many it were, -1 if it cannot be."""
    try:
        run.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS found USING fts5(words, tokenize = 'unicode61 remove_diacritics 2')"
        )
        row = run.execute("SELECT rowid FROM found ORDER BY rowid DESC LIMIT 1").fetchone()
        rows = run.execute(
            f"SELECT id, kind, at, body FROM entry WHERE id > ? AND {_MESSAGES} ORDER BY id LIMIT ?",  # noqa: S608 - a constant
            (row[0] if row else 0, _BATCH),
        ).fetchall()
        run.executemany(
            "INSERT INTO found (rowid, words) VALUES (?, ?)", [(row[0], _folded(_text(*row[1:]))) for row in rows]
        )
    except sqlite3.DatabaseError:
        # No FTS5 here, or the index is damaged; only what can be made again is dropped.
        with contextlib.suppress(sqlite3.DatabaseError):
            run.execute("DROP TABLE found")
        return -1
    return len(rows)


def _living(run: sqlite3.Connection, rows: Iterator[_Row], limit: int) -> list[_Row]:
    """The first of `rows` that their session has not gone back from; none where they cannot be read."""
    living = Living(run)
    return list(islice((row for row in rows if living.has(row[0], row[-1])), limit))


def _look_up(run: sqlite3.Connection, words: Sequence[str], folder: str | None) -> Iterator[_Row]:
    # A quoted string is a phrase in FTS5 whatever it holds; the star lets a word be the beginning of one.
    query = " ".join('"' + word.replace('"', '""') + '"*' for word in words if any(map(str.isalnum, word)))
    if not query:
        return
    with contextlib.suppress(sqlite3.DatabaseError):
        yield from run.execute(
            f"""SELECT {_COLUMNS} FROM found
            JOIN entry AS e ON e.id = found.rowid JOIN session AS s ON s.id = e.session
            WHERE found MATCH ? AND (? IS NULL OR s.folder = ?) ORDER BY found.rowid DESC""",  # noqa: S608 - constants
            (query, folder, folder),
        )


def _look_through(run: sqlite3.Connection, words: Sequence[str], folder: str | None) -> Iterator[_Row]:
    rows = run.execute(
        f"""SELECT {_COLUMNS} FROM entry AS e
        JOIN session AS s ON s.id = e.session
        WHERE e.{_MESSAGES} AND (? IS NULL OR s.folder = ?) ORDER BY e.id DESC""",  # noqa: S608 - constants
        (folder, folder),
    )
    for row in rows:
        text = _folded(_text(*row[3:6]))
        if all(word in text for word in words):
            yield row


def _text(kind: str, at: int, body: str) -> str:
    message = read_entry(kind, at, body).message
    return "" if message is None else said(message).encode(errors="replace").decode().replace("\0", " ")


def _folded(text: str) -> str:
    clean = text.encode(errors="replace").decode().replace("\0", " ")
    return unicodedata.normalize("NFKC", clean).casefold()


def _hit(row: _Row, words: Sequence[str]) -> Hit:
    session, title, folder, kind, at, body, _ = row
    text = " ".join(_text(kind, at, body).split())
    start = max(0, text.casefold().find(words[0]) - _AROUND)
    end = start + 2 * _AROUND + len(words[0])
    excerpt = ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")
    return Hit(session, title, folder, kind, at, excerpt)
