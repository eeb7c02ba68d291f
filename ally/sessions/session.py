"""One session: what is said in it goes to the log at once, whatever the disk does."""

import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ally.errors import StorageError, UsageError
from ally.messages import JsonObject, Message, UserMessage
from ally.sessions.branches import Spot, add_waiting, find_spots
from ally.sessions.entries import (
    ROLES,
    Draft,
    Entry,
    add_entry,
    draft_fact,
    draft_message,
    draft_rewind,
    draft_summary,
    history,
    last_entry,
    read_chain,
    read_entry,
)
from ally.sessions.ids import new_id
from ally.sessions.log import Log

MAX_TITLE_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Found:
    """A session of the log; `head` is its newest entry."""

    id: str
    folder: str
    agent: str
    title: str
    head: int | None


class Session:
    """A conversation on disk. It is there from its first message on.

    When another process goes on with the same session, this one becomes a fork of it from where they part, under a new
    `id`: nothing is lost and neither history is mixed up with the other.
    """

    def __init__(self, log: Log, found: Found) -> None:
        self.id = found.id
        self.folder = Path(found.folder)
        self.agent = found.agent
        self.title = found.title
        self._log = log
        self._head = found.head
        self._waiting: list[Draft] = []
        self._is_told = not log.is_saved
        self._lock = threading.Lock()

    def load(self) -> list[Message]:
        """The history since the last summary, in a form that every model accepts.

        Raises:
            StorageError: the database cannot be read.
        """
        return history(self._read(whole=False))

    def entries(self) -> list[Entry]:
        """Everything that was written, also what was taken back or summarised, and what could not be read.

        Raises:
            StorageError: the database cannot be read.
        """
        return self._read(whole=True)

    def append(self, message: Message) -> None:
        """Add a message; it is on disk when this returns. Results of tools may come one by one.

        Where it cannot be written the user is told once, and it is tried again with the next one.
        """
        if isinstance(message, UserMessage) and not self.title:
            self.title = title_of(message.text)
        self._add(draft_message(message, _now()))

    def retract(self) -> None:
        """The last message is not part of the conversation."""
        self._add(draft_fact("retract", {}, _now()))

    def compact(self, messages: Sequence[Message]) -> None:
        """From here on the history is `messages`."""
        self._add(draft_summary(messages, _now()))

    def spots(self) -> list[Spot]:
        """The messages of the user that `rewind` can go back to, oldest first.

        Raises:
            StorageError: the database cannot be read.
        """
        with self._lock:
            return self._spots()

    @property
    def is_saved(self) -> bool:
        """Whether all of it outlives this process."""
        return self._log.is_saved and not self._waiting

    def rewind(self, index: int) -> Spot:
        """Go on from before the message `spots()[index]`, which is given back; what came after is kept but left.

        It is on disk whole or not at all; where it cannot be written, it is as with `append`.

        Raises:
            UsageError: there is no such message.
            StorageError: the database cannot be read.
        """
        with self._lock:
            spots = self._spots()
            if not 0 <= index < len(spots):
                raise UsageError(f"There is no message {index + 1} to go back to.", hint=f"there are {len(spots)}")
            spot = spots[index]
            if index == 0:
                self.title = ""
            if spot.waiting is None:
                self._waiting = [draft_rewind(spot.after, _now())]
            else:
                del self._waiting[spot.waiting :]
            self._save()
            return spot

    def note(self, kind: str, data: JsonObject) -> None:
        """Add a fact that is no message: another model, an undo. Exports show it."""
        self._add(draft_fact("note", {"kind": kind, "data": data}, _now()))

    def _add(self, draft: Draft) -> None:
        with self._lock:
            self._waiting.append(draft)
            self._save()

    def _save(self) -> None:
        if self._head is None and not any(waiting.kind in ROLES for waiting in self._waiting):
            return
        try:
            self.id, self._head = self._log.write(self._write)
        except StorageError as error:
            self._tell(error)
            return
        self._waiting.clear()
        if self._is_told and self._log.is_saved:
            self._is_told = False
            self._log.notify("This session is saved again.")

    def _tell(self, error: StorageError) -> None:
        if not self._is_told:
            self._is_told = True
            hint = f" To mend it: {error.hint}." if error.hint else ""
            self._log.notify(f"This session is not saved for now: {error.message}{hint}")

    def _write(self, run: sqlite3.Connection) -> tuple[str, int | None]:
        session, head = self._place(run)
        for draft in self._waiting:
            if draft.kind == "rewind":
                head = draft.after if head is not None else None  # in another database the number means another entry
                run.execute("UPDATE session SET title = ? WHERE id = ?", (self.title, session))
            head = add_entry(run, session, head, draft)
        if self.title:
            run.execute("UPDATE session SET title = ? WHERE id = ? AND title = ''", (self.title, session))
        return session, head

    def _place(self, run: sqlite3.Connection) -> tuple[str, int | None]:
        """(session, parent) of the next entry."""
        last = last_entry(run, self.id)
        if last is None:  # it is new, or was deleted, or its database was taken away
            if self._head is not None:
                self._log.notify(f"Session {self.id} is no longer in the database; it is saved from here on only.")
            add_session(run, self._as_new(self.id))
            return self.id, None
        if last == self._head:
            return self.id, last
        other = self._as_new(new_id())
        add_session(run, other)
        if self._head is None:  # the id was taken
            return other.id, None
        self._log.notify(f"Another process goes on with session {self.id}; this one is {other.id} from here.")
        return other.id, add_entry(run, other.id, self._head, draft_fact("fork", {"of": self.id}, _now()))

    def _as_new(self, name: str) -> Found:
        return Found(name, str(self.folder), self.agent, self.title, None)

    def _read(self, *, whole: bool) -> list[Entry]:
        session, (head, waiting) = self.id, self._way()
        written = [] if head is None else self._log.read(lambda run: read_chain(run, session, head, whole=whole))
        return written + [read_entry(draft.kind, draft.at, draft.body) for draft in waiting]

    def _spots(self) -> list[Spot]:
        session, (head, waiting) = self.id, self._way()
        written = [] if head is None else self._log.read(lambda run: find_spots(run, session, head))
        return add_waiting(written, waiting)

    def _way(self) -> tuple[int | None, Sequence[Draft]]:
        """The entry that leads to now, and what is not written after it."""
        goes_back = self._waiting and self._waiting[0].kind == "rewind"
        return (self._waiting[0].after if goes_back else self._head), self._waiting


def add_session(run: sqlite3.Connection, found: Found) -> None:
    """Make the row of a session."""
    values = (found.id, found.folder, found.agent, found.title, _now())
    run.execute("INSERT INTO session (id, folder, agent, title, at) VALUES (?, ?, ?, ?, ?)", values)


def fork_session(run: sqlite3.Connection, source: Found) -> Found:
    """A new session that has the history of `source` so far; nothing is copied."""
    copy = Found(new_id(), source.folder, source.agent, source.title, None)
    add_session(run, copy)
    head = add_entry(run, copy.id, source.head, draft_fact("fork", {"of": source.id}, _now()))
    return Found(copy.id, copy.folder, copy.agent, copy.title, head)


def folder_key(folder: Path) -> str:
    """How a folder is written: its real path, with bytes that are no UTF-8 spelled out."""
    return os.path.realpath(folder).encode("utf-8", "backslashreplace").decode()


def title_of(text: str) -> str:
    """The first line of `text` that says something, short, without anything a terminal would obey."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    line = next((line for line in lines if line), "")
    shown = "".join(char for char in line if char.isprintable())
    return shown if len(shown) <= MAX_TITLE_CHARACTERS else shown[: MAX_TITLE_CHARACTERS - 1].rstrip() + "…"


def _now() -> int:
    return int(time.time())
