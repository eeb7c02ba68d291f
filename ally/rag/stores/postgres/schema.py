"""The tables: one list of collections, and six tables for each of them, all in the schema `ally`.

A collection has tables of its own so that its vectors have their length, its words their statistics, and removing it
costs nothing. Names of tables are made of its number; what the user calls it is only ever a value.

Text is kept in compressed blocks, as bytes, so that it may hold whatever a file holds, also a NUL, which PostgreSQL's
text cannot.
"""

from dataclasses import dataclass

from ally.errors import StorageError
from ally.rag.stores.postgres.connection import Connection, identifier, path_of

VERSION = 1
LOCKS = 0x416C6B62
"""The class of all advisory locks here ("Alkb"); the number within is that of the collection, 0 for the list."""

_LEAST_SERVER = 13_00_00
_CHECKS_CLIENTS = 14_00_00
"""From here on a server notices in the middle of a long statement that its client is gone, and lets go of the lock."""

_INDEXABLE = (0, 7)
"""The pgvector that has half-precision vectors, which the index of large collections is made of."""

_STORE = (
    "CREATE SCHEMA IF NOT EXISTS ally",
    "CREATE TABLE IF NOT EXISTS ally.store (version integer NOT NULL)",
    """CREATE TABLE IF NOT EXISTS ally.collection (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- never given again
        key bytea NOT NULL UNIQUE,                 -- the name in NFC
        name bytea NOT NULL,                       -- as the user wrote it, UTF-8
        roots text NOT NULL DEFAULT '[]',          -- JSON
        is_indexed boolean NOT NULL DEFAULT true,
        updated_at double precision NOT NULL DEFAULT 0,
        fingerprint text NOT NULL DEFAULT '',
        dim integer NOT NULL DEFAULT 0,
        is_untidy boolean NOT NULL DEFAULT false,
        changed bigint NOT NULL DEFAULT 0,         -- passages added or removed since the tables were last vacuumed
        is_near boolean NOT NULL DEFAULT false,    -- there is an index over the vectors
        next_passage bigint NOT NULL DEFAULT 1,
        passages bigint NOT NULL DEFAULT 0,
        embedded bigint NOT NULL DEFAULT 0,
        vectors bigint NOT NULL DEFAULT 0,
        words bigint NOT NULL DEFAULT 0            -- how many all passages have together
    )""",
    f"INSERT INTO ally.store SELECT {VERSION} WHERE NOT EXISTS (SELECT FROM ally.store)",  # noqa: S608 - a constant
)
_COLLECTION = (
    """CREATE TABLE {document} (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key uuid NOT NULL UNIQUE,                  -- hash of the path
        path bytea NOT NULL,                       -- as the file system has it
        size bigint NOT NULL,
        mtime_ns bigint NOT NULL,
        sha256 text NOT NULL,
        problem text NOT NULL
    )""",
    """CREATE TABLE {block} (                       -- the text of documents in pieces, compressed
        document bigint NOT NULL,
        number integer NOT NULL,                   -- 0 has all but the text
        data bytea NOT NULL,
        PRIMARY KEY (document, number)
    )""",
    "ALTER TABLE {block} ALTER data SET STORAGE EXTERNAL",
    """CREATE TABLE {passage} (
        id bigint PRIMARY KEY,
        document bigint NOT NULL,
        position integer NOT NULL,
        start integer NOT NULL,
        stop integer NOT NULL,
        text bigint NOT NULL,
        about bytea NOT NULL                       -- place, headings, its text where that is not the document's
    )""",
    "CREATE INDEX ON {passage} (document, position)",
    "CREATE INDEX ON {passage} (text)",
    """CREATE TABLE {words} (
        id bigint PRIMARY KEY,                     -- of the passage
        length integer NOT NULL,
        words tsvector NOT NULL                    -- headings have weight A
    ) WITH (toast_tuple_target = 8160)""",
    "ALTER TABLE {words} ALTER words SET STORAGE MAIN",  # fetching it from elsewhere would take longer than scoring it
    "CREATE INDEX ON {words} USING gin (words)",
    """CREATE TABLE {text} (                        -- the distinct texts of passages
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        digest uuid NOT NULL UNIQUE,
        is_embedded boolean NOT NULL DEFAULT false
    )""",
    "CREATE INDEX ON {text} (id) WHERE NOT is_embedded",
    "CREATE TABLE {vector} (text bigint PRIMARY KEY, vector vector NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class Tables:
    """The names of a collection's tables, to be put into statements."""

    document: str
    block: str
    passage: str
    words: str
    text: str
    vector: str

    @classmethod
    def of(cls, collection: int) -> "Tables":
        """Those of the collection with this number."""
        kinds = ("document", "block", "passage", "words", "text", "vector")
        return cls(*(f"ally.c{collection:d}_{kind}" for kind in kinds))

    @property
    def all(self) -> tuple[str, ...]:
        """In the order in which they were made."""
        return self.document, self.block, self.passage, self.words, self.text, self.vector

    def __call__(self, sql: str) -> str:
        """`sql` with {document}, {passage} … replaced by the names of the tables."""
        return sql.format(
            document=self.document,
            block=self.block,
            passage=self.passage,
            words=self.words,
            text=self.text,
            vector=self.vector,
        )


@dataclass(frozen=True, slots=True)
class Server:
    """What the server has. `pgvector` is the version of the extension, () without one."""

    has_store: bool
    pgvector: tuple[int, ...]

    @property
    def is_indexable(self) -> bool:
        """Whether there can be an index over vectors."""
        return self.pgvector >= _INDEXABLE

    def demand_vectors(self, run: Connection) -> None:
        """Whether the database can keep vectors.

        Raises:
            StorageError: it cannot; what would help.
        """
        if not self.pgvector:
            raise _no_vectors(run)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a collection is: its number and its tables."""

    number: int
    tables: Tables

    @classmethod
    def of(cls, number: int) -> "Place":
        """The collection with this number."""
        return cls(number, Tables.of(number))


def look(run: Connection) -> Server:
    """What is there; nothing is made. The statements that follow find the type `vector` wherever it was installed.

    Raises:
        StorageError: the server is too old, its database has no UTF-8, or a newer Ally made the tables.
    """
    ((number, encoding, has_store, namespace, extension),) = run.query(
        "SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'),"
        " to_regclass('ally.store') IS NOT NULL, n.nspname::text, e.extversion FROM (SELECT 1) AS one"
        " LEFT JOIN pg_extension AS e ON e.extname = 'vector' LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace"
    )
    address, path = run.address, path_of(run.address)
    if number < _LEAST_SERVER:
        raise StorageError(path, f"The server of {address} is older than PostgreSQL 13.", hint="use a newer one")
    if encoding != "UTF8":
        hint = f"createdb -T template0 -E UTF8 {address.database}-utf8 makes another one"
        raise StorageError(path, f"The database {address} keeps text as {encoding}, not as UTF-8.", hint=hint)
    if has_store:
        ((version,),) = run.query("SELECT max(version) FROM ally.store")
        if version is not None and version > VERSION:
            raise StorageError(path, f"The collections in {address} are of a newer Ally.", hint="update Ally")
    schemas = "pg_catalog" + (f", {identifier(namespace)}" if namespace else "")
    run.run(f"SET search_path = {schemas}")
    if number >= _CHECKS_CLIENTS:
        run.run("SET client_connection_check_interval = '2s'")
    if extension:
        run.run("SET hnsw.ef_search = 600")
    parts = (extension or "").split(".")
    return Server(has_store, tuple(int(part) for part in parts if part.isdigit()))


def make_store(run: Connection, server: Server) -> None:
    """The schema and the list of collections, where they are missing.

    Raises:
        StorageError: pgvector is missing, or the user may not make them.
    """
    server.demand_vectors(run)
    if not server.has_store:
        with run.transaction():
            run.query(f"SELECT pg_advisory_xact_lock({LOCKS}, 0)")
            for statement in _STORE:
                run.run(statement)


def make_tables(run: Connection, tables: Tables) -> None:
    """The tables of a collection; in a transaction."""
    run.run("; ".join(tables(statement) for statement in _COLLECTION))


def drop_tables(run: Connection, tables: Tables) -> None:
    """Remove them; in a transaction."""
    run.run(f"DROP TABLE {', '.join(tables.all)}")


def _no_vectors(run: Connection) -> StorageError:
    ((is_there, is_trusted),) = run.query(
        "SELECT count(*) > 0, coalesce(bool_or(v.trusted), false) FROM pg_available_extension_versions AS v"
        " WHERE v.name = 'vector'"
    )
    address = run.address
    who = "the owner of the database" if is_trusted else "a superuser of the server"
    how = f"{who} may run there: CREATE EXTENSION vector"
    if not is_there:
        how = f"who runs the server installs it (Debian: postgresql-NN-pgvector); then {how}"
    return StorageError(path_of(address), f"The database {address} has no pgvector.", hint=how)
