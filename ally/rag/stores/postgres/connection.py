"""One connection to the server: through the gate of `egress`, with errors in words, lost at the first doubt."""

import contextlib
import select
import time
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

from ally.egress.ledger import Transfer, ledger
from ally.egress.offline import find_blocked, is_enabled
from ally.errors import OfflineRefused, StorageError
from ally.rag.stores.postgres.address import Address
from ally.rag.stores.postgres.wire import Wire, open_wire

INSTALL = "pip install 'ally-assistant[postgres]'"
_PURPOSE = "collections"
_STATEMENTS = 100
_DIES = ("08", "57P")
_HINTS = {
    "28": "check user and password: PGPASSWORD in .env or the environment, or ~/.pgpass, never {key}",
    "3D000": "createdb -E UTF8 {database} makes it, if you may",
    "42501": "the owner of the database may: GRANT CREATE ON DATABASE ... TO {user}",
    "53": "ask who runs the server for room or connections",
    "57P": "try again when the server runs; what was not finished is done again then",
}
_SESSION = (
    "SET client_min_messages = warning",
    "SET standard_conforming_strings = on",
    "SET jit = off",  # it would compile for longer than any of these statements runs
    "SET plan_cache_mode = force_custom_plan",  # how many passages hold a word decides how they are found
    "SET lock_timeout = '30s'",
    "SET idle_in_transaction_session_timeout = '10min'",
)

Row: TypeAlias = list[Any]  # Any: each column has the type that its statement gives it


class LostConnection(StorageError):
    """The server cannot be reached, or stopped answering."""


class Refused(StorageError):
    """The server refused a statement; `code` is PostgreSQL's (SQLSTATE)."""

    def __init__(self, path: Path, message: str, code: str, *, hint: str = "") -> None:
        super().__init__(path, message, hint=hint)
        self.code = code


class _Prepared(Protocol):
    def run(self, **values: object) -> list[Row] | None: ...
    def close(self) -> None: ...


class _Driver(Protocol):
    """What is used of `pg8000.native.Connection`."""

    def run(self, sql: str, stream: Iterable[bytes] | None = None) -> list[Row] | None: ...
    def prepare(self, sql: str) -> _Prepared: ...
    def close(self) -> None: ...


class Connection:
    """For one thread at a time. After any error of the connection, or an interruption, it is lost."""

    def __init__(self, address: Address, wire: Wire, driver: _Driver) -> None:
        self.address = address
        self.is_lost = False
        self._wire = wire
        self._driver = driver
        self._prepared: dict[str, _Prepared] = {}
        self._noted = (0, 0)
        self._seconds = 0.0

    @classmethod
    def open(cls, address: Address, password: str) -> "Connection":
        """Connect and log in.

        Raises:
            StorageError: the driver is missing, the server does not answer or lets nobody in.
            OfflineRefused: offline mode is on and the server is not this machine; nothing was sent.
        """
        try:
            from pg8000 import native  # heavy  # pyright: ignore[reportMissingTypeStubs] - it has none
            from pg8000.exceptions import Error  # heavy  # pyright: ignore[reportMissingTypeStubs] - it has none
            from scramp import ScramException  # heavy  # pyright: ignore[reportMissingTypeStubs] - it has none
        except ImportError as exc:
            problem = "Collections in PostgreSQL need a package that is not installed: pg8000."
            raise StorageError(path_of(address), problem, hint=INSTALL) from exc
        if is_enabled() and address.location != "local":
            _note(address, 0, 0, 0.0, error="OfflineRefused", refused=True)
            raise _offline(address)
        begun = time.monotonic()
        wire = None
        try:
            wire = open_wire(address)
            driver = native.Connection(
                address.user,
                host=None if address.is_socket else address.host,
                port=address.port,
                database=address.database,
                password=password,  # never None: pg8000 would stumble over it
                ssl_context=False,  # `open_wire` has seen to that
                sock=wire.socket,
                application_name="ally",
            )
            self = cls(address, wire, cast("_Driver", driver))
            wire.settle()
            self.run("; ".join(_SESSION))
        except (Error, OSError, ScramException) as exc:
            sent, received = (wire.sent, wire.received) if wire else (0, 0)
            if wire is not None:
                wire.close()
            is_refused = find_blocked(exc) is not None
            _note(address, sent, received, time.monotonic() - begun, error=type(exc).__name__, refused=is_refused)
            raise _unopened(address, exc, has_password=bool(password)) from exc
        self._seconds = time.monotonic() - begun
        return self

    def query(self, sql: str, **values: object) -> list[Row]:
        """The rows of one statement with `:name` for each of `values`; text is given as str, arrays as `array`.

        Raises:
            LostConnection, Refused: as their docstrings say.
        """
        with self._understandable():
            statement = self._prepared.get(sql)
            if statement is None:
                if len(self._prepared) >= _STATEMENTS:
                    self._prepared.pop(next(iter(self._prepared))).close()
                statement = self._prepared[sql] = self._driver.prepare(sql)
            return statement.run(**values) or []

    def run(self, sql: str) -> list[Row]:
        """Statements without values, one after the other."""
        with self._understandable():
            return self._driver.run(sql) or []

    def copy(self, sql: str, data: bytes) -> None:
        """A COPY … FROM STDIN."""
        with self._understandable():
            self._driver.run(sql, stream=[data])

    @contextlib.contextmanager
    def transaction(self) -> Generator[None, None, None]:
        """All or nothing."""
        self.run("BEGIN")
        try:
            yield
        except BaseException:
            if not self.is_lost:
                with contextlib.suppress(StorageError):  # what went wrong first says more
                    self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    @property
    def encryption(self) -> str:
        """How it is encrypted, in words."""
        return self._wire.encryption

    @property
    def is_alive(self) -> bool:
        """Whether the server has not hung up while nothing was asked of it."""
        if self.is_lost:
            return False
        try:
            readable, _, _ = select.select([self._wire.socket], [], [], 0)
        except (OSError, ValueError):
            return False
        return not readable  # of itself it only says goodbye

    def note(self) -> None:
        """Write to the ledger what went over it since the last time."""
        sent, received = self._wire.sent - self._noted[0], self._wire.received - self._noted[1]
        if sent or received:
            _note(self.address, sent, received, self._seconds, error="LostConnection" if self.is_lost else "")
        self._noted, self._seconds = (self._wire.sent, self._wire.received), 0.0

    def close(self) -> None:
        """Hang up; the server takes back what was not committed."""
        from pg8000.exceptions import Error  # heavy  # pyright: ignore[reportMissingTypeStubs] - it has none

        if not self.is_lost:
            self.is_lost = True
            with contextlib.suppress(Error, OSError):
                self._driver.close()
        self._wire.close()
        self._prepared.clear()
        self.note()

    def _drop(self) -> None:
        self.is_lost = True
        self.close()

    @contextlib.contextmanager
    def _understandable(self) -> Generator[None, None, None]:
        from pg8000.exceptions import DatabaseError, Error  # heavy  # pyright: ignore[reportMissingTypeStubs] - it has none

        if self.is_lost:
            raise _lost(self.address)
        begun = time.monotonic()
        try:
            yield
        except DatabaseError as exc:
            error = _refused(self.address, exc.args[0])
            if error.code.startswith(_DIES):
                self._drop()
                raise _lost(self.address, error.message) from exc
            raise error from exc
        except (Error, OSError) as exc:
            self._drop()
            raise _lost(self.address) from exc
        except BaseException:  # interrupted: nobody knows what of the answer is still to come
            self._drop()
            raise
        finally:
            self._seconds += time.monotonic() - begun


def array(values: Iterable[int | str | bytes | None]) -> str:
    """An array as PostgreSQL writes it."""
    return "{" + ",".join(_element(one) for one in values) + "}"


def identifier(name: str) -> str:
    """A name of the server's in a statement."""
    return '"' + name.replace('"', '""') + '"'


def path_of(address: Address) -> Path:
    """What errors name in place of a file."""
    return Path(str(address))


def _element(value: int | str | bytes | None) -> str:
    match value:
        case None:
            return "NULL"
        case int():
            return str(value)
        case bytes():
            return f'"\\\\x{value.hex()}"'
        case _:
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{quoted}"'


def _refused(address: Address, answer: Mapping[str, str], *, has_password: bool = True) -> Refused:
    code, said = answer.get("C", ""), answer.get("M", "")
    problem = f"The server of {address} says: {said}."
    if code.startswith("28") and not has_password:
        problem += " No password was found."
    hint = next((text for start, text in _HINTS.items() if code.startswith(start)), "")
    words = {"key": "knowledge.store", "database": address.database, "user": address.user}
    return Refused(path_of(address), problem, code, hint=hint.format(**words))


def _lost(address: Address, why: str = "") -> LostConnection:
    problem = why or f"The connection to {address} was lost."
    return LostConnection(path_of(address), problem, hint=_HINTS["57P"])


def _offline(address: Address) -> OfflineRefused:
    hint = "leave out --offline, or keep collections on this machine: ally config unset knowledge.store"
    return OfflineRefused(address.server, hint=hint)


def _unopened(address: Address, exc: Exception, *, has_password: bool) -> StorageError | OfflineRefused:
    if find_blocked(exc) is not None:
        return _offline(address)
    # Hanging up after a refusal may fail in turn, and then the driver tells only that.
    link: BaseException | None = exc
    while link is not None:
        if link.args and isinstance(link.args[0], dict):
            return _refused(address, cast("dict[str, str]", link.args[0]), has_password=has_password)
        link = link.__context__
    if isinstance(exc, OSError):
        return _unreachable(address, exc)
    return LostConnection(path_of(address), f"{address} does not answer like PostgreSQL: {exc}.", hint=_HINTS["28"])


def _unreachable(address: Address, exc: OSError) -> LostConnection:
    if type(exc).__module__ == "ssl":
        problem = f"There is no safe connection to {address}: {exc}."
        hint = (
            "name the authority of its certificate with ?sslrootcert=FILE in knowledge.store;"
            " ?sslmode=require encrypts without asking who answers"
        )
        return LostConnection(path_of(address), problem, hint=hint)
    problem = f"The server of {address} cannot be reached: {exc.strerror or exc}."
    return LostConnection(path_of(address), problem, hint="check that it runs, and knowledge.store in config.json")


def _note(address: Address, sent: int, received: int, seconds: float, *, error: str, refused: bool = False) -> None:
    ledger.add(
        Transfer(
            purpose=_PURPOSE,
            method="QUERY",
            scheme="postgresql",
            host="localhost" if address.is_socket else address.host,
            port=address.port,
            location=address.location,
            status=None,
            bytes_sent=sent,
            bytes_received=received,
            seconds=seconds,
            refused=refused,
            error=error,
        )
    )
