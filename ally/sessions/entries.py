"""Entries of the log: how one is written, and what a chain of them means."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ally.messages import JsonObject, Message
from ally.sessions.codec import VERSION, Undecodable, decode, decode_all, encode, encode_all, from_text, to_text
from ally.sessions.history import usable

Kind = Literal["user", "assistant", "tool", "retract", "compact", "fork", "note", "rewind"]
ROLES = ("user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is to be written: after the newest one, a `rewind` after the entry `after`."""

    kind: Kind
    at: int
    body: str
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it was read.

    `message` is set for a message that could be read, `messages` for a summary (`compact`), `data` for the rest.
    `problem` says why an entry could not be read; its kind stays what it was.
    """

    kind: str
    at: int
    message: Message | None = None
    messages: tuple[Message, ...] = ()
    data: JsonObject = field(default_factory=dict[str, object])
    problem: str = ""


def draft_message(message: Message, at: int) -> Draft:
    """The entry of a message."""
    return Draft(message.role, at, to_text(encode(message)))


def draft_summary(messages: Sequence[Message], at: int) -> Draft:
    """The entry from which on the history is `messages`."""
    return Draft("compact", at, to_text({"v": VERSION, "messages": encode_all(messages)}))


def draft_fact(kind: Literal["retract", "fork", "note"], data: JsonObject, at: int) -> Draft:
    """An entry that is no message."""
    return Draft(kind, at, to_text(data))


def draft_rewind(after: int | None, at: int) -> Draft:
    """The entry from which on the history goes on after an earlier one; None is the beginning."""
    return Draft("rewind", at, to_text({}), after)


def last_entry(run: sqlite3.Connection, session: str) -> int | None:
    """The number of the newest entry of a session."""
    row = run.execute("SELECT id FROM entry WHERE session = ? ORDER BY id DESC LIMIT 1", (session,)).fetchone()
    return row[0] if row else None


def add_entry(run: sqlite3.Connection, session: str, parent: int | None, draft: Draft) -> int:
    """Write one entry; gives its number."""
    values = (session, parent, draft.kind, draft.at, draft.body)
    cursor = run.execute("INSERT INTO entry (session, parent, kind, at, body) VALUES (?, ?, ?, ?, ?)", values)
    if cursor.lastrowid is None:
        raise sqlite3.DatabaseError("the entry got no number")
    return cursor.lastrowid


def read_chain(run: sqlite3.Connection, session: str, head: int, *, whole: bool) -> list[Entry]:
    """The entries that lead to `head` of `session`, oldest first: all, or those since the last summary."""
    return [read_entry(kind, at, body) for _, _, kind, at, body in chain_rows(run, session, head, whole=whole)]


def chain_rows(run: sqlite3.Connection, session: str, head: int, *, whole: bool) -> sqlite3.Cursor:
    """(number, parent, kind, at, body) of these entries."""
    return run.execute(
        """WITH RECURSIVE chain (id, parent, kind, at, body) AS (
            SELECT id, parent, kind, at, body FROM entry WHERE id = :head AND session = :session
            UNION ALL
            SELECT e.id, e.parent, e.kind, e.at, e.body FROM chain JOIN entry AS e ON e.id = chain.parent
            WHERE e.id < chain.id AND (:whole OR chain.kind <> 'compact')
        ) SELECT id, parent, kind, at, body FROM chain ORDER BY id""",
        {"session": session, "head": head, "whole": whole},
    )


def read_entry(kind: object, at: object, body: object) -> Entry:
    """One entry of a file that anybody may have written."""
    name, when = str(kind), at if isinstance(at, int) else 0
    try:
        value = from_text(body)
        if name in ROLES:
            return _message(name, when, value)
        if name == "compact":
            return Entry(name, when, messages=tuple(decode_all(value.get("messages"))))
        return Entry(name, when, data=value)
    except Undecodable as error:
        return Entry(name, when, problem=error.message)


def history(entries: Iterable[Entry]) -> list[Message]:
    """The conversation that the entries amount to, in a form that every model accepts."""
    messages: list[Message | None] = []  # None: could not be read, but may be taken back
    for entry in entries:
        if entry.kind in ROLES:
            messages.append(entry.message)
        elif entry.kind == "compact" and not entry.problem:
            messages = list(entry.messages)
        elif entry.kind == "retract" and messages:
            messages.pop()
    return usable(message for message in messages if message is not None)


def _message(kind: str, at: int, value: JsonObject) -> Entry:
    message = decode(value)
    if message.role != kind:
        raise Undecodable(f"The entry says {kind} and holds {message.role}.")
    return Entry(kind, at, message)
