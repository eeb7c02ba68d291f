"""All sessions of this user: begin, go on, fork, list, search and delete them."""

import difflib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ally.errors import UsageError
from ally.sessions.ids import as_typed, new_id
from ally.sessions.log import Log
from ally.sessions.removal import remove_session
from ally.sessions.search import Hit, search_log
from ally.sessions.session import Found, Session, folder_key, fork_session

_HEAD = "(SELECT e.id FROM entry AS e WHERE e.session = s.id ORDER BY e.id DESC LIMIT 1)"
_NEAR = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a listing. `at` and `last_at` are seconds since 1970, as the clock said."""

    id: str
    folder: str
    agent: str
    title: str
    at: int
    last_at: int


class Sessions:
    """The sessions in one database file."""

    def __init__(self, log: Log) -> None:
        self._log = log

    @classmethod
    def open(cls, file: Path, notify: Callable[[str], None]) -> "Sessions":
        """The sessions in `file`, which is made if it is missing.

        What goes wrong is told to `notify` and never ends the process: a damaged file is set aside and a new one
        begun; where nothing can be written, sessions live as long as this process.
        """
        return cls(Log(file, notify))

    def start(self, folder: Path, agent: str) -> Session:
        """A new session of `folder`; it is written with its first message."""
        return Session(self._log, Found(new_id(), folder_key(folder), agent, "", None))

    def resume(self, session_id: str) -> Session:
        """The session `session_id`; the beginning of an id is enough if no other session has it.

        Raises:
            UsageError: there is none, or several; the text names those that are near.
            StorageError: the database cannot be read.
        """
        return Session(self._log, self._find(session_id))

    def latest(self, folder: Path) -> Session | None:
        """The session of `folder` to which something was added last.

        Raises:
            StorageError: the database cannot be read.
        """
        found = self._log.read(lambda run: _select(run, "WHERE s.folder = ?", (folder_key(folder),), 1))
        return Session(self._log, found[0]) if found else None

    def fork(self, session_id: str) -> Session:
        """A new session with the history of that session. Nothing is copied.

        Raises:
            UsageError: as `resume`.
            StorageError: it cannot be written.
        """
        source = self._find(session_id)
        return Session(self._log, self._log.write(lambda run: fork_session(run, source)))

    def list(self, folder: Path | None = None) -> tuple[Summary, ...]:
        """The sessions of `folder`, or of every folder, newest first.

        Raises:
            StorageError: the database cannot be read.
        """
        where, values = ("", ()) if folder is None else ("WHERE s.folder = ?", (folder_key(folder),))
        return self._log.read(lambda run: _summaries(run, where, values))

    def search(self, text: str, folder: Path | None = None, *, limit: int = 50) -> tuple[Hit, ...]:
        """Messages that hold all words of `text`, newest first. `text` is no query language: every sign is a sign.

        Raises:
            StorageError: the database cannot be read.
        """
        return search_log(self._log, text, None if folder is None else folder_key(folder), limit)

    def delete(self, session_id: str) -> str:
        """Remove the session and every entry that no fork needs, for good; gives the whole id.

        Raises:
            UsageError: as `resume`.
            StorageError: it cannot be written; nothing was removed.
        """
        found = self._find(session_id)
        self._log.write(lambda run: remove_session(run, found.id))
        self._log.fold()
        return found.id

    def close(self) -> None:
        """Let go of the file."""
        self._log.close()

    def _find(self, typed: str) -> Found:
        spelled = as_typed(typed)
        near = self._log.read(lambda run: _select(run, "WHERE s.id GLOB ?", (spelled + "*",), _NEAR)) if spelled else []
        if len(near) == 1:
            return near[0]
        if near:
            names = ", ".join(found.id for found in near)
            raise UsageError(f"Several sessions begin with {spelled}: {names}.", hint="type more of the id")
        known = [summary.id for summary in self.list()]
        close = difflib.get_close_matches(spelled, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "ally sessions list --all shows them"
        raise UsageError(f"There is no session {typed[:40]!r}.", hint=hint)


def _select(run: sqlite3.Connection, where: str, values: tuple[str, ...], limit: int) -> "list[Found]":
    columns = f"s.id, s.folder, s.agent, s.title, {_HEAD} AS head"
    query = f"SELECT {columns} FROM session AS s {where}"  # noqa: S608 - constants; what a user says is a value
    return [Found(*row) for row in run.execute(f"{query} ORDER BY head DESC LIMIT ?", (*values, limit))]


def _summaries(run: sqlite3.Connection, where: str, values: tuple[str, ...]) -> tuple[Summary, ...]:
    query = (
        "SELECT s.id, s.folder, s.agent, s.title, s.at, coalesce(h.at, s.at) FROM session AS s "  # noqa: S608 - as above
        f"LEFT JOIN entry AS h ON h.id = {_HEAD} {where} ORDER BY h.id DESC"
    )
    return tuple(Summary(*row) for row in run.execute(query, values))
