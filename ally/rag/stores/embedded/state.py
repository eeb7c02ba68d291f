"""The one row of a collection's settings and counts."""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ally.rag.stores.embedded.vectors import Rows

_FIELDS = (
    "roots, is_indexed, updated_at, is_untidy, removed, fingerprint, generation, dim, rows, stamp, near_stamp, "
    "near_rows, passages, embedded"
)


@dataclass(frozen=True, slots=True)
class State:
    """As the table has it."""

    roots: tuple[str, ...]
    is_indexed: bool
    updated_at: float
    is_untidy: bool
    removed: int
    fingerprint: str
    generation: int
    dim: int
    rows: int
    stamp: str
    near_stamp: str
    near_rows: int
    passages: int
    embedded: int

    def vectors(self, folder: Path) -> Rows:
        """The rows that are named."""
        return Rows(folder, self.generation, self.dim, self.rows)


def read(run: sqlite3.Connection) -> State:
    """As it is now."""
    roots, is_indexed, updated_at, is_untidy, *rest = run.execute(f"SELECT {_FIELDS} FROM state").fetchone()  # noqa: S608 - constant
    return State(tuple(json.loads(roots)), bool(is_indexed), updated_at, bool(is_untidy), *rest)


def set_roots(run: sqlite3.Connection, roots: Sequence[str]) -> None:
    """Paths in JSON, which also takes what is no valid Unicode."""
    run.execute("UPDATE state SET roots = ?", (json.dumps(list(roots)),))


def touch(run: sqlite3.Connection) -> None:
    """Something changed now."""
    run.execute("UPDATE state SET updated_at = ?", (time.time(),))


def renew(run: sqlite3.Connection, fingerprint: str) -> None:
    """A new generation without vectors, of another embedder or the same."""
    run.execute("UPDATE text SET row = NULL, checksum = NULL WHERE row IS NOT NULL")
    run.execute(
        "UPDATE state SET fingerprint = ?, generation = generation + 1, dim = 0, rows = 0, stamp = '', "
        "near_stamp = '', near_rows = 0",
        (fingerprint,),
    )
