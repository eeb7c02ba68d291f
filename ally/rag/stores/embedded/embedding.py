"""Which passages have which row of the file of vectors."""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ally.rag.stores.base import Scored
from ally.rag.stores.embedded import state
from ally.rag.stores.embedded.near import Near
from ally.rag.stores.embedded.sketch import Sketch
from ally.rag.stores.embedded.vectors import Mapped, Rows, append, copy, stamp_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_HOLES = 0.25
_MANY = 0.04
"""To read more of the rows one by one takes longer than to go through all."""

_MOST_AT_ONCE = 500
_ROUNDING = 1e-5
"""More than two ways to add up a product differ in float32."""


def waiting(run: sqlite3.Connection, limit: int) -> list[int]:
    """For each distinct text without a vector the first passage that has it."""
    query = (
        "SELECT (SELECT min(p.id) FROM passage AS p WHERE p.text = t.id) AS first FROM text AS t "
        "WHERE t.row IS NULL AND first IS NOT NULL ORDER BY t.id LIMIT ?"
    )
    return [passage for (passage,) in run.execute(query, (limit,))]


def known(run: sqlite3.Connection, mapped: Mapped, digests: Sequence[bytes]) -> "dict[int, NDArray[np.float32]]":
    """The vectors of texts, by their index in `digests`."""
    import numpy as np  # heavy

    found: dict[int, NDArray[np.float32]] = {}
    for n, digest in enumerate(digests):
        query = "SELECT row, checksum FROM text WHERE digest = ? AND row IS NOT NULL"
        for row, checksum in run.execute(query, (digest,)):
            data = mapped.row(row)
            if data is not None and zlib.crc32(data) == checksum:
                found[n] = np.frombuffer(data, np.float32)
    return found


def add(run: sqlite3.Connection, folder: Path, ids: Sequence[int], vectors: "NDArray[np.float32]") -> None:
    """Write the vectors of passages; one serves all passages with the same text.

    Raises:
        StorageError: the file cannot be written; the transaction must not be committed.
    """
    texts: dict[int, int] = {}
    for n, passage in enumerate(ids):
        query = "SELECT t.id FROM passage AS p JOIN text AS t ON t.id = p.text WHERE p.id = ? AND t.row IS NULL"
        for (text,) in run.execute(query, (passage,)):
            texts.setdefault(text, n)
    if not texts:
        return
    now = state.read(run)
    rows = Rows(folder, now.generation, vectors.shape[1], now.rows)
    checksums = append(rows, vectors[list(texts.values())])
    run.executemany(
        "UPDATE text SET row = ?, checksum = ? WHERE id = ?",
        ((now.rows + n, checksum, text) for n, (text, checksum) in enumerate(zip(texts, checksums, strict=True))),
    )
    run.execute("UPDATE state SET dim = ?, rows = rows + ?, stamp = ?", (rows.dim, len(texts), stamp_of(rows.file)))


def nearest(
    run: sqlite3.Connection, mapped: Mapped, finder: Near | Sketch | None, vector: "NDArray[np.float32]", limit: int
) -> list[Scored]:
    """The passages whose vectors have the greatest products with `vector`; ties by id."""
    import numpy as np  # heavy

    vector = np.ascontiguousarray(vector, np.float32)
    wanted = limit + limit // 4
    while True:
        found = _first(run, mapped, _best(mapped, finder, vector, wanted), limit)
        if len(found) >= limit or wanted >= mapped.rows.count:
            return found
        wanted *= 4  # rows of passages that are gone took the places


def _best(
    mapped: Mapped, finder: Near | Sketch | None, vector: "NDArray[np.float32]", count: int
) -> list[tuple[int, float]]:
    """The `count` nearest rows (and those that tie with the last) with their products, best first."""
    import numpy as np  # heavy

    if finder is None or 4 * count >= min(finder.count, mapped.rows.count):
        return mapped.best(vector, count)
    rows = finder.find(mapped, vector, count)
    if len(rows) > max(mapped.rows.count * _MANY, 4 * count):
        return mapped.best(vector, count)
    products = mapped.products(rows, vector)
    rows = rows[products >= np.partition(products, -count)[-count] - _ROUNDING]
    later = [row for row, _ in mapped.best(vector, count, finder.count)]
    found = mapped.score(np.concatenate([rows, np.array(later, np.intp)]), vector)
    least = found[min(count, len(found)) - 1][1]
    return [one for one in found if one[1] >= least]  # there may be better ones than the rest


def _first(run: sqlite3.Connection, mapped: Mapped, rows: Sequence[tuple[int, float]], limit: int) -> list[Scored]:
    """The first `limit` passages of `rows`, which come best first."""
    found: list[Scored] = []
    step = min(limit + limit // 4, _MOST_AT_ONCE)
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        if len(found) >= limit and some[0][1] < found[limit - 1].score:
            break
        found = sorted([*found, *_at(run, mapped, some)], key=lambda one: (-one.score, one.id))
    return found[:limit]


def _at(run: sqlite3.Connection, mapped: Mapped, rows: Sequence[tuple[int, float]]) -> Iterator[Scored]:
    """The passages of some rows; none of a row that nothing has any more, or that is damaged."""
    signs = ", ".join("?" * len(rows))
    query = f"SELECT t.row, t.checksum, p.id FROM text AS t JOIN passage AS p ON p.text = t.id WHERE t.row IN ({signs})"  # noqa: S608 - signs for values
    scores = dict(rows)
    checked: dict[int, int] = {}
    for row, checksum, passage in run.execute(query, list(scores)):
        if row not in checked:
            checked[row] = zlib.crc32(mapped.row(row) or b"")
        if checked[row] == checksum:
            yield Scored(passage, scores[row])


def is_unchanged(run: sqlite3.Connection, folder: Path) -> bool:
    """Whether the file of vectors is as the last writer left it."""
    now = state.read(run)
    return now.rows == 0 or now.stamp == stamp_of(now.vectors(folder).file)


def check(run: sqlite3.Connection, folder: Path) -> None:
    """Let go of the vectors whose rows are not what was written."""
    now = state.read(run)
    rows = now.vectors(folder)
    mapped = Mapped.of(rows)
    if mapped is None:
        state.renew(run, now.fingerprint)
        return
    named = run.execute("SELECT id, row, checksum FROM text WHERE row IS NOT NULL").fetchall()
    bad = [text for text, row, checksum in named if zlib.crc32(mapped.row(row) or b"") != checksum]
    run.executemany("UPDATE text SET row = NULL, checksum = NULL WHERE id = ?", ((text,) for text in bad))
    run.execute("UPDATE state SET stamp = ?, is_untidy = is_untidy OR ?", (stamp_of(rows.file), bool(bad)))


def tidy(run: sqlite3.Connection, folder: Path) -> None:
    """Forget texts that no passage has; where more than a quarter of the rows is unused, copy the others.

    Raises:
        StorageError: the new file cannot be written; the transaction must not be committed.
    """
    run.execute("DELETE FROM text WHERE NOT EXISTS (SELECT 1 FROM passage AS p WHERE p.text = text.id)")
    now = state.read(run)
    named = run.execute("SELECT row, checksum, id FROM text WHERE row IS NOT NULL ORDER BY row").fetchall()
    if now.rows - len(named) <= _MOST_HOLES * now.rows:
        return
    if not named:
        state.renew(run, now.fingerprint)
        return
    old = now.vectors(folder)
    new = Rows(folder, now.generation + 1, now.dim, 0)
    kept = copy(old, new.file, [(row, checksum) for row, checksum, _ in named])
    numbers = {row: number for number, row in enumerate(kept)}
    run.executemany("UPDATE text SET row = ? WHERE id = ?", ((numbers.get(row), text) for row, _, text in named))
    run.execute(
        "UPDATE state SET generation = ?, rows = ?, stamp = ?, near_stamp = ''",
        (new.generation, len(numbers), stamp_of(new.file)),
    )
