"""The file of vectors: rows of float32, one after the other, mapped into memory and never rewritten.

A row is written and on disk before the database names it, so what the database names is there, whenever a process is
killed. What somebody else did to the file is found by the checksum of a row.
"""

import contextlib
import mmap
import os
import weakref
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ally.errors import StorageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ITEM_BYTES = 4
_PART_NUMBERS = 4_000_000
"""A thread does not pay for fewer: they are read in a millisecond."""

_MOST_THREADS = 4
_CAN_PICK = hasattr(os, "pread")
"""Not on Windows."""

LONGEST = 1.01
"""No product of two vectors of length 1 is greater; what is comes from a damaged row."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Which file, and how many of its rows are named. `generation` changes when rows are renumbered or dropped."""

    folder: Path
    generation: int
    dim: int
    count: int

    @property
    def file(self) -> Path:
        """Where they are."""
        return self.folder / f"vectors-{self.generation}.f32"

    @property
    def row_bytes(self) -> int:
        """How long a row is."""
        return self.dim * _ITEM_BYTES


def append(rows: Rows, vectors: "NDArray[np.float32]") -> list[int]:
    """Write `vectors` behind the named rows and wait for the disk; the checksums.

    Raises:
        StorageError: the disk is full, or the file cannot be written.
    """
    data = [vector.tobytes() for vector in vectors]
    begin = rows.count * rows.row_bytes
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(rows.file, flags, 0o600)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            try:
                _write_all(file.fileno(), begin, b"".join(data))
                os.fsync(handle)
            except OSError:
                with contextlib.suppress(OSError):  # the error that brought us here says more
                    file.truncate(min(begin, os.fstat(handle).st_size))
                raise
    except OSError as exc:
        raise failed(rows.file, exc) from exc
    return [zlib.crc32(one) for one in data]


def copy(rows: Rows, target: Path, wanted: Iterable[tuple[int, int]]) -> list[int]:
    """Write the rows of `wanted` (row, checksum) to a new file, in this order; gives those that were good.

    Raises:
        StorageError: the disk is full, or the file cannot be written.
    """
    view = Mapped.of(rows)
    kept: list[int] = []
    try:
        with open(target, "wb", opener=private) as file:
            for row, checksum in wanted:
                data = view.row(row) if view else None
                if data is not None and zlib.crc32(data) == checksum:
                    file.write(data)
                    kept.append(row)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        target.unlink(missing_ok=True)
        raise failed(target, exc) from exc
    return kept


def stamp_of(file: Path) -> str:
    """Changes whenever the file does; "" where there is none."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def remove_others(rows: Rows) -> None:
    """Remove the files of other generations, as far as the system lets us."""
    for file in rows.folder.glob("vectors-*"):
        if not file.name.startswith(f"vectors-{rows.generation}."):
            with contextlib.suppress(OSError):  # Windows keeps what a reader has open; the next writer tries again
                file.unlink()


class Mapped:
    """The rows of a file, as far as they are there, without a copy of them in memory."""

    def __init__(self, rows: Rows, file: int) -> None:
        self.rows = rows
        self._file = file
        self._matrix: NDArray[np.float32] | None = None
        weakref.finalize(self, os.close, file)

    @classmethod
    def of(cls, rows: Rows) -> "Mapped | None":
        """None if the file is missing or empty."""
        try:
            file = os.open(rows.file, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        except OSError:
            return None
        there = min(rows.count, os.fstat(file).st_size // rows.row_bytes) if rows.dim else 0
        if there == 0:
            os.close(file)
            return None
        return cls(Rows(rows.folder, rows.generation, rows.dim, there), file)

    def holds(self, rows: Rows) -> bool:
        """Whether it can stand for `rows`: touching what was cut off meanwhile would end the process."""
        mine = self.rows
        if (mine.generation, mine.dim) != (rows.generation, rows.dim) or mine.count < rows.count:
            return False
        return os.fstat(self._file).st_size >= mine.count * mine.row_bytes

    def row(self, number: int) -> bytes | None:
        """The bytes of one row, None where the file ends before it."""
        if number >= self.rows.count:
            return None
        size = self.rows.row_bytes
        if not _CAN_PICK:
            return self.matrix[number].tobytes()
        return os.pread(self._file, size, number * size)

    @property
    def matrix(self) -> "NDArray[np.float32]":
        """All of them, mapped into memory, shape (rows, dim)."""
        import numpy as np  # heavy

        if self._matrix is None:
            data = mmap.mmap(self._file, self.rows.count * self.rows.row_bytes, access=mmap.ACCESS_READ)
            self._matrix = np.frombuffer(data, np.float32).reshape(self.rows.count, self.rows.dim)
        return self._matrix

    def some(self, rows: "NDArray[np.intp]") -> "NDArray[np.float32]":
        """Some of them, shape (len(rows), dim).

        They are read one by one, in 1 µs each: where a file is mapped, the system counts what stands around a row as
        memory of the process, too.
        """
        import numpy as np  # heavy

        if not _CAN_PICK or 4 * len(rows) > self.rows.count:
            return self.matrix[rows]
        size = self.rows.row_bytes
        data = b"".join(os.pread(self._file, size, row * size).ljust(size, b"\0") for row in rows.tolist())
        return np.frombuffer(data, np.float32).reshape(len(rows), self.rows.dim)

    def best(self, vector: "NDArray[np.float32]", count: int, start: int = 0) -> list[tuple[int, float]]:
        """The `count` rows from `start` (and those that tie with the last) nearest to `vector`, with their products."""
        import numpy as np  # heavy

        if start >= self.rows.count:
            return []
        scores = _sound(_products(self.matrix[start:], vector))
        least = np.partition(scores, -count)[-count] if count < len(scores) else -LONGEST
        return self.score(np.flatnonzero(scores >= max(least, -LONGEST)) + start, vector)

    def products(self, rows: "NDArray[np.intp]", vector: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """Those of some rows with `vector`; -2 for damaged ones."""
        return _sound(_products(self.some(rows), vector))

    def score(self, rows: "NDArray[np.intp]", vector: "NDArray[np.float32]") -> list[tuple[int, float]]:
        """The exact products of some rows with `vector`, best first."""
        import numpy as np  # heavy

        # Added up number by number: faster ways round equal rows differently, depending on where they stand.
        exact = (self.some(rows).astype(np.float64) * vector).sum(axis=1)
        order = np.lexsort((rows, -exact))
        return list(zip(rows[order].tolist(), exact[order].tolist(), strict=True))


def _sound(products: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """With -2 for those of damaged rows; what is not a number is not less than anything either."""
    import numpy as np  # heavy

    products[~(np.abs(products) <= LONGEST)] = -2
    return products


def _products(matrix: "NDArray[np.float32]", vector: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The product of each row with `vector`, in several threads where there is much to read.

    numpy's product of matrices would do the same, but its threads wait for one another in loops: under load it took
    twice as long and half as much CPU again (100,000 x 384 on two cores, 2026-11-22).
    """
    import numpy as np  # heavy

    rows, dim = matrix.shape
    products = np.empty(rows, np.float32)

    def fill(start: int, end: int) -> None:
        with np.errstate(invalid="ignore", over="ignore"):  # what is damaged may be anything
            np.vecdot(matrix[start:end], vector, out=products[start:end])

    in_parts(rows, _PART_NUMBERS // dim, fill)
    return products


def in_parts(count: int, least: int, work: Callable[[int, int], None]) -> None:
    """Do `work` from 0 up to `count`, in several threads where there are more than `least` for each."""
    step = max(least, -(-count // min(_MOST_THREADS, os.cpu_count() or 1)))
    if count <= step:
        work(0, count)
    else:
        from concurrent.futures import ThreadPoolExecutor  # late: it takes longer than opening a collection

        starts = range(0, count, step)
        ends = (min(start + step, count) for start in starts)
        with ThreadPoolExecutor(len(starts)) as pool:
            list(pool.map(work, starts, ends))


def _write_all(handle: int, at: int, data: bytes) -> None:
    os.lseek(handle, at, os.SEEK_SET)
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def private(name: str, flags: int) -> int:
    """Opens a file that nobody else may read."""
    return os.open(name, flags, 0o600)


def failed(file: Path, exc: OSError) -> StorageError:
    """Says that it could not be written."""
    hint = "free some disk space" if exc.errno in (27, 28, 122) else "change the permissions of the file or its folder"
    return StorageError(file, f"{file} cannot be written: {exc.strerror or exc}.", hint=hint)
