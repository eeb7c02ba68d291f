"""A sketch of the vectors, in a file beside theirs: two bits for each number, gone through in place of the 32.

What it promises is scored with the vectors themselves, so it decides how fast the nearest are found, not which score
they have. Vectors are turned before they are sketched, all in the same way, which no product notices: then the error of
an estimate is that of chance, whatever the embedder, and it is known how far to look (Gao and Long, "RaBitQ", 2024).
The file may be missing or lag behind; rows that are not in it are gone through one by one.
"""

import mmap
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ally.rag.stores.embedded.vectors import Mapped, in_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 8192
"""Rows whose bits stand together, so that each step of numpy has much to do and stays in the processor's cache."""

_AT_ONCE = 1024
_PART_BLOCKS = 12
_LEVELS = 15
"""The vector that is searched for is rounded to 4 bits a number."""

_SPREAD = (0.77, 0.39)
"""The standard deviation of an estimate with the first bit and with both, times the root of the dimension."""

_FAR = 4.0
"""So many standard deviations an estimate may be wrong: 1 in 30,000 is more so."""

_HEAD = struct.Struct("<8sIQII")
_MARK = b"AlkbSk1\n"


@dataclass(frozen=True, slots=True)
class Sketch:
    """The first `count` rows. `blocks` has fields `high` and `low`: bits, shape (words, 8192), and `scale`: (2, 8192)."""

    count: int
    blocks: "NDArray[np.void]"

    @classmethod
    def of(cls, mapped: Mapped) -> "Sketch | None":
        """That of these vectors, None if there is none or it is damaged: the file is gone through once, 0.5 ms a MB."""
        import numpy as np  # heavy

        rows = mapped.rows
        try:
            with file_of(rows).open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # ValueError: it is empty
            return None
        layout = _layout(rows.dim)
        if len(data) < _HEAD.size or (len(data) - _HEAD.size) % layout.itemsize:
            return None
        head = _HEAD.unpack_from(data)
        body = memoryview(data)[_HEAD.size :]
        if head != _head(mapped, head[2], zlib.crc32(body)) or head[2] > len(body) // layout.itemsize * _BLOCK:
            return None
        return cls(head[2], np.frombuffer(body, layout))

    def find(self, mapped: Mapped, vector: "NDArray[np.float32]", count: int) -> "NDArray[np.intp]":
        """Rows among which are the `count` nearest of the sketch, but for one in some ten thousand."""
        import numpy as np  # heavy

        rows = min(self.count, mapped.rows.count)
        if 4 * count >= rows:
            return np.arange(rows)
        question = _Question.of(vector)
        rough = self._rough(question)[:rows]
        best = np.argpartition(rough, rows - 4 * count)[-4 * count :]
        least = np.partition(mapped.products(best, vector), -count)[-count]
        some = np.flatnonzero(rough >= least - question.margins[0])
        return some[self._fine(question, some, rough[some]) >= least - question.margins[1]]

    def _rough(self, question: "_Question") -> "NDArray[np.float32]":
        """Estimates of all products from the first bits."""
        import numpy as np  # heavy

        estimates = np.empty((len(self.blocks), _BLOCK), np.float32)

        def fill(start: int, end: int) -> None:
            for block, row in zip(self.blocks[start:end], estimates[start:end], strict=True):
                np.multiply(question.dots(block["high"]), block["scale"][0], out=row)

        in_parts(len(self.blocks), _PART_BLOCKS, fill)
        return estimates.reshape(-1)

    def _fine(self, question: "_Question", rows: "NDArray[np.intp]") -> "NDArray[np.float32]":
        """Estimates of some products from both bits."""
        block, place = rows // _BLOCK, rows % _BLOCK
        high, low = (question.dots(self.blocks[name][block, :, place].T) for name in ("high", "low"))
        return (2 * high + low) * self.blocks["scale"][block, 1, place]


@dataclass(frozen=True, slots=True)
class _Question:
    """A vector, turned and rounded. `planes` are the bits of its numbers, shape (4, words, 1)."""

    planes: "NDArray[np.uint64]"
    dim: int
    step: float

    @classmethod
    def of(cls, vector: "NDArray[np.float32]") -> "_Question":
        import numpy as np  # heavy

        turned = _turn(vector[np.newaxis])
        step = 2 * float(np.abs(turned).max()) / _LEVELS or 1.0
        numbers = np.rint(turned / step + _LEVELS / 2).astype(np.uint8)
        planes = np.stack([_packed(numbers >> n & 1) for n in range(_LEVELS.bit_length())])
        return cls(planes, len(vector), step)

    @property
    def margins(self) -> tuple[float, float]:
        """How far below the truth an estimate from one and from both bits may be."""
        rough, fine = (_FAR * spread / self.dim**0.5 for spread in _SPREAD)
        return rough, fine

    def dots(self, bits: "NDArray[np.uint64]") -> "NDArray[np.float32]":
        """The products with rows of 1 and -1, given as bits of the shape (words, n)."""
        import numpy as np  # heavy

        differ = np.empty(bits.shape, np.uint64)
        counts = np.empty(bits.shape, np.uint8)
        total = np.zeros(bits.shape[1], np.uint32)
        for n, plane in enumerate(self.planes):
            np.bitwise_count(np.bitwise_xor(bits, plane, out=differ), out=counts)
            total += np.add.reduce(counts, axis=0, dtype=np.uint16) << n
        return (self.dim * _LEVELS / 2 - total.astype(np.float32)) * np.float32(self.step)


def file_of(rows: Rows) -> Path:
    """Where the sketch is."""
    return rows.file.with_suffix(".bits")


def build(mapped: Mapped, old: Sketch | None, is_stopped: Callable[[], bool]) -> None:
    """Write the sketch of all rows; what `old` has of them is taken over. When it is stopped, there is what there was.

    A second for 100,000 rows.

    Raises:
        StorageError: it cannot be written.
    """
    rows = mapped.rows
    whole = old.count // _BLOCK if old else 0
    file, temporary = file_of(rows), rows.folder / "vectors-new.bits"
    try:
        with open(temporary, "wb", opener=private) as new, rows.file.open("rb") as vectors:
            new.write(bytes(_HEAD.size))
            checksum = 0
            for number in range(-(-rows.count // _BLOCK)):
                if is_stopped():
                    break
                block = old.blocks[number] if old and number < whole else _sketched(vectors, rows, number)
                data = block.tobytes()
                checksum = zlib.crc32(data, checksum)
                new.write(data)
            else:
                new.seek(0)
                new.write(_HEAD.pack(*_head(mapped, rows.count, checksum)))
                new.flush()
                os.fsync(new.fileno())
        if is_stopped():
            ...
        temporary.replace(file)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise failed(file, exc) from exc
