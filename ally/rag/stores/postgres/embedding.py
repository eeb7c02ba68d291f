"""Vectors: which texts have one, and which passages are near to one."""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ally.rag.stores.base import Scored
from ally.rag.stores.postgres.connection import Connection, Refused, array
from ally.rag.stores.postgres.pool import Pool
from ally.rag.stores.postgres.schema import Place, Tables
from ally.rag.stores.postgres.writing import text_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_DIM = 4000
"""Of a vector of half precision in an index."""

_OVER = 4
"""So many times as many vectors as asked for are taken from the index, whose order is only about right."""

_MOST_FROM_INDEX = 600
"""How many vectors a search in the index looks at, and so the most that it can give; see `hnsw.ef_search`."""

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_CANCELLED = "57014"
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Vectors:
    """What a collection's vectors are; `is_near` tells whether there is an index over them."""

    fingerprint: str
    dim: int
    count: int
    is_near: bool


def read(run: Connection, place: Place) -> Vectors | None:
    """As it is now; None if the collection is gone."""
    rows = run.query(
        "SELECT fingerprint, dim, vectors, is_near FROM ally.collection WHERE id = :number::integer",
        number=place.number,
    )
    return Vectors(*rows[0]) if rows else None


def waiting(run: Connection, sql: Tables, limit: int) -> list[int]:
    """For each distinct text without a vector the first passage that has it."""
    rows = run.query(
        sql(
            "SELECT first FROM (SELECT t.id, (SELECT min(p.id) FROM {passage} AS p WHERE p.text = t.id) AS first"
            " FROM {text} AS t WHERE NOT t.is_embedded) AS texts WHERE first IS NOT NULL ORDER BY id"
            " LIMIT :limit::bigint"
        ),
        limit=limit,
    )
    return [passage for (passage,) in rows]


def known(run: Connection, place: Place, fingerprint: str, texts: Sequence[str]) -> "dict[int, NDArray[np.float32]]":
    """The vectors of these texts, by their index."""
    import numpy as np  # heavy

    keys = [text_key(text) for text in texts]
    rows = run.query(
        place.tables(
            "SELECT t.digest::text, vector_send(v.vector) FROM {text} AS t JOIN {vector} AS v ON v.text = t.id"
            " WHERE t.digest = ANY(:keys::uuid[]) AND EXISTS (SELECT FROM ally.collection"
            " WHERE id = :number::integer AND fingerprint = :fingerprint::text)"
        ),
        keys=array(dict.fromkeys(keys)),
        number=place.number,
        fingerprint=fingerprint,
    )
    # Two numbers of 16 bits come before the vector's own: its length and a zero.
    found = {key: np.frombuffer(data, ">f4", offset=4).astype(np.float32) for key, data in rows}
    return {n: found[key] for n, key in enumerate(keys) if key in found}


def renew(run: Connection, place: Place, fingerprint: str) -> None:
    """No vectors, and from here on those of `fingerprint`; in a transaction."""
    sql = place.tables
    run.run(sql("TRUNCATE {vector}; UPDATE {text} SET is_embedded = false WHERE is_embedded"))
    run.run(f"DROP INDEX IF EXISTS {_index(place)}")
    run.query(
        "UPDATE ally.collection SET fingerprint = :fingerprint::text, dim = 0, vectors = 0, embedded = 0,"
        " is_near = false WHERE id = :number::integer",
        fingerprint=fingerprint,
        number=place.number,
    )


def add(run: Connection, place: Place, now: Vectors, ids: Sequence[int], vectors: "NDArray[np.float32]") -> None:
    """Write the vectors of passages; one serves all passages with the same text. In a transaction."""
    import numpy as np  # heavy

    sql = place.tables
    rows = run.query(
        sql(
            "SELECT p.id, p.text FROM {passage} AS p JOIN {text} AS t ON t.id = p.text"
            " WHERE p.id = ANY(:ids::bigint[]) AND NOT t.is_embedded"
        ),
        ids=array(ids),
    )
    texts: dict[int, int] = {}
    by_id: dict[int, int] = {row[0]: row[1] for row in rows}
    for n, passage in enumerate(ids):
        if passage in by_id:
            texts.setdefault(by_id[passage], n)
    if not texts:
        return
    dim = vectors.shape[1]
    if not now.dim:
        run.run(sql(f"ALTER TABLE {{vector}} ALTER vector TYPE vector({dim:d})"))
    start = (2).to_bytes(2) + (8).to_bytes(4)
    size = (4 + 4 * dim).to_bytes(4) + dim.to_bytes(2) + bytes(2)
    wire = np.ascontiguousarray(vectors, ">f4")
    lines = (start + text.to_bytes(8) + size + wire[n].tobytes() for text, n in texts.items())
    run.copy(sql("COPY {vector} (text, vector) FROM STDIN (FORMAT binary)"), b"".join((_HEADER, *lines, _END)))
    done = array(texts)
    run.query(sql("UPDATE {text} SET is_embedded = true WHERE id = ANY(:texts::bigint[])"), texts=done)
    run.query(
        sql(
            "UPDATE ally.collection SET dim = :dim::integer, vectors = vectors + :count::bigint, embedded = embedded +"
            " (SELECT count(*) FROM {passage} WHERE text = ANY(:texts::bigint[])) WHERE id = :number::integer"
        ),
        dim=dim,
        count=len(texts),
        texts=done,
        number=place.number,
    )


def nearest(run: Connection, place: Place, now: Vectors, vector: "NDArray[np.float32]", limit: int) -> list[Scored]:
    """The passages whose vectors have the greatest products with `vector`; ties by id."""
    wanted = _literal(vector)
    if now.is_near and _OVER * limit <= _MOST_FROM_INDEX:
        found = _near(run, place.tables, now.dim, wanted, limit)
        if len(found) >= limit:
            return found
    count = limit
    while True:
        found = _exact(run, place.tables, wanted, count, limit)
        if len(found) >= limit or count >= now.count:
            return found
        count *= 4  # texts that no passage has any more took the places


def tidy(run: Connection, place: Place) -> None:
    """Forget texts that no passage has; in a transaction."""
    sql = place.tables
    ((gone,),) = run.query(
        sql(
            "WITH gone AS (DELETE FROM {text} AS t WHERE NOT EXISTS (SELECT FROM {passage} AS p WHERE p.text = t.id)"
            " RETURNING t.id), vectors AS (DELETE FROM {vector} AS v USING gone WHERE v.text = gone.id RETURNING 1)"
            " SELECT count(*) FROM vectors"
        )
    )
    run.query(
        "UPDATE ally.collection SET is_untidy = false, vectors = vectors - :gone::bigint WHERE id = :number::integer",
        gone=gone,
        number=place.number,
    )


def build(run: Connection, place: Place, dim: int, pool: Pool, is_stopped: Callable[[], bool]) -> None:
    """Make an index over the vectors (HNSW, half precision), unless it is stopped; PostgreSQL keeps it up to date.

    It takes minutes for some hundred thousand vectors; others read meanwhile.
    """
    try:
        with _cancelled_when(is_stopped, run, pool), run.transaction():
            run.run("SET LOCAL maintenance_work_mem = '256MB'")
            name = _index(place).split(".")[1]
            run.run(
                place.tables(
                    f"CREATE INDEX {name} ON {{vector}} USING hnsw ((vector::halfvec({dim:d})) halfvec_ip_ops)"
                )
            )
            number = place.number
            run.query("UPDATE ally.collection SET is_near = true WHERE id = :number::integer", number=number)
    except Refused as error:
        if error.code != _CANCELLED:
            raise


@contextmanager
def _cancelled_when(is_stopped: Callable[[], bool], run: Connection, pool: Pool) -> Generator[None, None, None]:
    """End what the server does for `run` when it is to stop."""
    ((process,),) = run.query("SELECT pg_backend_pid()")
    is_done = threading.Event()

    def watch() -> None:
        while not is_done.wait(_POLL_S):
            if is_stopped():
                with pool.borrowed() as other:
                    other.query("SELECT pg_cancel_backend(:process::integer)", process=process)
                return

    watching = threading.Thread(target=watch, daemon=True, name="cancel")
    watching.start()
    try:
        yield
    finally:
        is_done.set()
        watching.join()


def _exact(run: Connection, sql: Tables, wanted: str, count: int, limit: int) -> list[Scored]:
    rows = run.query(
        sql(
            "SELECT p.id, -v.distance FROM (SELECT text, vector <#> :wanted::vector AS distance FROM {vector}"
            " ORDER BY distance FETCH FIRST (:count::bigint) ROWS WITH TIES) AS v"
            " JOIN {passage} AS p ON p.text = v.text ORDER BY v.distance, p.id LIMIT :limit::bigint"
        ),
        wanted=wanted,
        count=count,
        limit=limit,
    )
    return [Scored(*row) for row in rows]


def _near(run: Connection, sql: Tables, dim: int, wanted: str, limit: int) -> list[Scored]:
    half = f"halfvec({dim:d})"
    # The casts are made one after the other: with two of their own, the value would come as what the first one reads.
    order = f"vector::{half} <#> (:wanted::vector)::{half}"
    rows = run.query(
        sql(
            "SELECT p.id, -v.distance FROM (SELECT text, vector <#> :wanted::vector AS distance FROM ("  # noqa: S608 - a number
            f"SELECT text, vector FROM {{vector}} ORDER BY {order} LIMIT :count::bigint"
            ") AS near) AS v JOIN {passage} AS p ON p.text = v.text ORDER BY v.distance, p.id LIMIT :limit::bigint"
        ),
        wanted=wanted,
        count=_OVER * limit,
        limit=limit,
    )
    return [Scored(*row) for row in rows]


def _literal(vector: "NDArray[np.float32]") -> str:
    return "[" + ",".join(map(repr, vector.tolist())) + "]"


def _index(place: Place) -> str:
    return f"{place.tables.vector}_near"
