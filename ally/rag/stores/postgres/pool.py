"""Connections to one server: opened when they are needed, and kept for the next who needs one."""

import contextlib
import threading
from collections.abc import Callable, Generator

from ally.rag.stores.postgres.connection import Connection
from ally.rag.stores.postgres.schema import Server, look

_KEPT = 4


class Pool:
    """Threads may share it. `connect` logs in."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._server: Server | None = None

    def take(self) -> Connection:
        """A connection of one's own, until it is given back.

        Raises:
            StorageError: there is none to be had.
        """
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = self._connect()
                with self._closed_on_error(connection):
                    self._server = look(connection)
                return connection
            if connection.is_alive:
                return connection
            connection.close()

    def give(self, connection: Connection) -> None:
        """Give it back; a lost one goes."""
        connection.note()
        with self._lock:
            if not connection.is_lost and len(self._idle) < _KEPT:
                self._idle.append(connection)
                return
        connection.close()

    @contextlib.contextmanager
    def borrowed(self) -> Generator[Connection, None, None]:
        """A connection for a moment."""
        connection = self.take()
        try:
            yield connection
        finally:
            self.give(connection)

    def server(self, run: Connection) -> Server:
        """What was there when somebody last looked."""
        if self._server is None or not self._server.has_store or not self._server.pgvector:
            self._server = look(run)
        return self._server

    def close(self) -> None:
        """Hang up wherever nobody talks."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextlib.contextmanager
    def _closed_on_error(self, connection: Connection) -> Generator[None, None, None]:
        try:
            yield
        except BaseException:
            connection.close()
            raise
