"""An index over the vectors of a large collection, in a file beside theirs: it finds most of the nearest, fast.

It holds copies of one byte for each number, so what it finds is scored again with the vectors themselves. It may lag
behind: rows that were added since are searched one by one. Without usearch all of them are.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from ally.errors import StorageError
from ally.rag.stores.embedded.vectors import Mapped, Rows, stamp_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTALL = "pip install 'ally-assistant[knowledge-large]'"
_AT_ONCE = 1000
_ALONE = 10_000
_OVER = 4
"""So many times as many rows as asked for are taken, because their order is only about right."""

_EXPANSION = 512
"""How many rows a search looks at; what it finds of the 50 nearest, and how fast: docs/design/knowledge-store.md."""


class _Index(Protocol):
    """What is used of `usearch.index.Index`."""

    expansion_search: int

    def __len__(self) -> int: ...
    def add(self, keys: "NDArray[np.uint64]", vectors: "NDArray[np.float32]", *, threads: int) -> object: ...
    def search(self, vectors: "NDArray[np.float32]", count: int) -> "_Matches": ...
    def save(self, path: str) -> None: ...


class _Restores(Protocol):
    @staticmethod
    def restore(path_or_buffer: str, view: bool = False) -> _Index | None: ...


class _Matches(Protocol):
    @property
    def keys(self) -> Sequence[int]: ...


@dataclass(frozen=True, slots=True)
class Near:
    """The index, mapped into memory. `count` rows from the first are in it; `stamp` is that of its file."""

    count: int
    stamp: str
    _index: _Index

    @classmethod
    def of(cls, rows: Rows, stamp: str) -> "Near | None":
        """The index in the file, which has this stamp: that of another one is not safe to read."""
        if not is_installed():
            return None
        index = _restore(file_of(rows), is_mapped=True)
        return None if index is None else cls(len(index), stamp, index)

    def find(self, mapped: Mapped, vector: "NDArray[np.float32]", count: int) -> "NDArray[np.intp]":
        """Rows of the index among which are most of its `count` nearest."""
        import numpy as np  # heavy

        self._index.expansion_search = max(_EXPANSION, 2 * _OVER * count)
        rows = np.array(self._index.search(vector, _OVER * count).keys, np.intp)
        return np.sort(rows[rows < mapped.rows.count])


def is_installed() -> bool:
    """Whether usearch is there; it is not imported."""
    return find_spec("usearch") is not None


def file_of(rows: Rows) -> Path:
    """Where the index is."""
    return rows.file.with_suffix(".usearch")


def build(rows: Rows, stamp: str, is_stopped: Callable[[], bool]) -> str:
    """Add what is missing to the index with this stamp, or make a new one; its stamp, "" if it was stopped.

    Takes minutes for some hundred thousand rows; when it is stopped or interrupted, there is what there was.

    Raises:
        StorageError: it cannot be written.
    """
    import numpy as np  # heavy

    mapped = Mapped.of(rows)
    if mapped is None:
        return ""
    file = file_of(rows)
    old = _restore(file, is_mapped=False) if stamp and stamp_of(file) == stamp else None
    index = _new(rows.dim) if old is None else old
    for start in range(len(index), mapped.rows.count, _AT_ONCE):
        if is_stopped():
            return ""
        some = mapped.matrix[start : start + _AT_ONCE]
        # Threads that begin an index together lose a row in some hundred; later on it is one in ten thousand.
        index.add(np.arange(start, start + len(some), dtype=np.uint64), some, threads=0 if start >= _ALONE else 1)
    temporary = rows.folder / "vectors-new.usearch"
    try:
        index.save(str(temporary))
        temporary.chmod(0o600)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(file)
    except (OSError, RuntimeError) as exc:  # RuntimeError is what usearch raises when the disk is full
        temporary.unlink(missing_ok=True)
        raise StorageError(file, f"{file} cannot be written: {exc}.", hint="free some disk space") from exc
    return stamp_of(file)


def _new(dim: int) -> _Index:
    from usearch.index import Index  # heavy

    return cast("_Index", Index(ndim=dim, metric="ip", dtype="i8", connectivity=16, expansion_add=64))


def _restore(file: Path, *, is_mapped: bool) -> _Index | None:
    """The index in a file; None if this usearch cannot read it."""
    from usearch.index import Index  # heavy

    try:
        return cast("type[_Restores]", Index).restore(str(file), view=is_mapped)
    except (RuntimeError, ValueError):
        return None
