"""The database of all sessions, and what happens when it cannot be used.

A session is a chain of entries, each with its parent. Nothing is rewritten: taking a message back and summarising are
entries too, a fork is an entry whose parent belongs to another session, and going back is one whose parent is an
earlier entry. Entries are numbered by the database, so that a clock that is wrong or jumps back changes no order.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ally.errors import StorageError
from ally.storage.sqlite import DamagedDatabase, Database, Schema, open_database, open_in_memory, set_aside

_T = TypeVar("_T")

SCHEMA = Schema(
    mark=0x416C6C79,  # "Ally"
    migrations=(
        (
            """CREATE TABLE session (
                id TEXT PRIMARY KEY NOT NULL,
                folder TEXT NOT NULL,      -- the real path it belongs to
                agent TEXT NOT NULL,
                title TEXT NOT NULL,       -- the first line of the user, "" before there is one
                at INTEGER NOT NULL        -- seconds since 1970, for people; nothing is ordered by it
            )""",
            # AUTOINCREMENT: the number of a deleted entry is never given again, so a parent is always the one it was.
            """CREATE TABLE entry (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                session TEXT NOT NULL REFERENCES session (id),
                parent INTEGER,
                kind TEXT NOT NULL,        -- user, assistant, tool: a message; retract, compact, fork, note, rewind
                at INTEGER NOT NULL,
                body TEXT NOT NULL         -- JSON
            )""",
            "CREATE INDEX entry_session ON entry (session)",
        ),
    ),
)


class Log:
    """Reads and writes the database in `file`; what the user should know goes to `notify`.

    A damaged file is set aside and a new one begun. Where none can be opened, this process goes on in memory.
    """

    def __init__(self, file: Path, notify: Callable[[str], None]) -> None:
        self.file = file
        self.notify = notify
        self._database = self._open()
        self._inode = _inode(file)

    @property
    def is_saved(self) -> bool:
        """Whether what is written outlives this process."""
        return self._database.file == self.file

    def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What `work` finds. It may be called twice.

        Raises:
            StorageError: the database cannot be read.
        """
        try:
            with self._database.read() as run:
                return work(run)
        except DamagedDatabase:
            self._renew()
            with self._database.read() as run:
                return work(run)

    def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What `work` gives back, committed. It may be called twice.

        Raises:
            StorageError: nothing was written.
        """
        if self.is_saved and _inode(self.file) != self._inode:
            self._reopen()  # removed or set aside by another process: what is written there would be lost
        try:
            with self._database.write() as run:
                return work(run)
        except DamagedDatabase:
            self._renew()
            with self._database.write() as run:
                return work(run)

    def fold(self) -> None:
        """Empty the write-ahead log, in which deleted text may still stand."""
        self._database.fold_log()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _renew(self) -> None:
        self._database.close()
        self._set_aside()
        self._reopen()

    def _reopen(self) -> None:
        self._database.close()
        self._database = self._open()
        self._inode = _inode(self.file)

    def _open(self) -> Database:
        try:
            try:
                return open_database(self.file, SCHEMA)
            except DamagedDatabase:
                self._set_aside()
                return open_database(self.file, SCHEMA)
        except StorageError as error:
            hint = f" To mend it: {error.hint}." if error.hint else ""
            self.notify(f"Sessions are not saved: {error.message}{hint}")
            return open_in_memory(SCHEMA)

    def _set_aside(self) -> None:
        try:
            target = set_aside(self.file, SCHEMA)
        except StorageError as error:
            self.notify(error.message)
            return
        if target is not None:
            self.notify(f"The session database was damaged. It is now {target}; a new one was begun.")


def _inode(file: Path) -> int | None:
    try:
        return os.stat(file).st_ino  # noqa: PTH116 - once for each message: Path.stat costs three times as much
    except OSError:
        return None
