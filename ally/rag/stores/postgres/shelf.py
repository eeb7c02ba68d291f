"""The database in which all collections are."""

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from ally.errors import StorageError, UnknownCollection
from ally.rag.stores.postgres.address import Address, find_password
from ally.rag.stores.postgres.collection import PostgresCollection, locked
from ally.rag.stores.postgres.connection import Connection
from ally.rag.stores.postgres.pool import Pool
from ally.rag.stores.postgres.schema import Place, Tables, drop_tables, make_store, make_tables
from ally.rag.stores.postgres.terms import Terms

EXACT_NUMBERS = 200_000 * 384
"""Up to so many numbers in all its vectors, a collection is searched exactly."""


class PostgresShelf:
    """Implements `Shelf` in the schema `ally` of a database. Nothing is asked of the server before it is needed.

    `env` and `home` are where the password is looked for. Collections whose vectors have more than `exact_numbers`
    numbers get an index.
    """

    def __init__(
        self, address: Address, env: Mapping[str, str], home: Path, *, exact_numbers: int = EXACT_NUMBERS
    ) -> None:
        self.address = address
        self._env = env
        self._home = home
        self._exact_numbers = exact_numbers
        self._pool = Pool(self._connect)
        self._terms = Terms()
        self.encryption = ""
        """What was found when it was checked."""

    def names(self) -> list[str]:
        with self._pool.borrowed() as run:
            if not self._pool.server(run).has_store:
                return []
            found = [_decoded(name) for (name,) in run.query("SELECT name FROM ally.collection")]
        return sorted(found, key=lambda name: (name.casefold(), name))

    def open(self, name: str) -> PostgresCollection:
        with self._pool.borrowed() as run:
            found = self._find(run, name)
        if found is None:
            raise UnknownCollection(name, self.names())
        number, stored = found
        return PostgresCollection(self._pool, self._terms, Place.of(number), stored, self._exact_numbers)

    def create(self, name: str) -> PostgresCollection:
        with self._pool.borrowed() as run:
            make_store(run, self._pool.server(run))
            if self._find(run, name) is None:
                with run.transaction():
                    rows = run.query(
                        "INSERT INTO ally.collection (key, name) VALUES (:key::bytea, :name::bytea)"
                        " ON CONFLICT DO NOTHING RETURNING id",
                        key=_key(name),
                        name=_encoded(name),
                    )
                    for (number,) in rows:  # none if another process was first
                        make_tables(run, Tables.of(number))
        return self.open(name)

    def delete(self, name: str) -> None:
        with self._pool.borrowed() as run:
            found = self._find(run, name)
            if found is None:
                raise UnknownCollection(name, self.names())
            place = Place.of(found[0])
            with locked(run, place, name), run.transaction():
                sql = "DELETE FROM ally.collection WHERE id = :number::integer RETURNING id"
                if run.query(sql, number=place.number):  # else another process was first
                    drop_tables(run, place.tables)

    def check(self) -> None:
        """Whether collections can be kept there; nothing is changed.

        Raises:
            StorageError: they cannot.
        """
        with self._pool.borrowed() as run:
            self._pool.server(run).demand_vectors(run)
            self.encryption = run.encryption

    def close(self) -> None:
        self._pool.close()
        self._terms.close()

    def _find(self, run: Connection, name: str) -> tuple[int, str] | None:
        """The number and the name as it was given of a collection."""
        if not self._pool.server(run).has_store:
            return None
        rows = run.query("SELECT id, name FROM ally.collection WHERE key = :key::bytea", key=_key(name))
        return (rows[0][0], _decoded(rows[0][1])) if rows else None

    def _connect(self) -> Connection:
        password, problem = find_password(self.address, self._env, self._home)
        try:
            return Connection.open(self.address, password)
        except StorageError as error:
            if problem:
                error.hint = f"{problem}; {error.hint}"
            raise


def _key(name: str) -> bytes:
    """The same for names that only differ in how the system writes their accents."""
    return _encoded(unicodedata.normalize("NFC", name))


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
