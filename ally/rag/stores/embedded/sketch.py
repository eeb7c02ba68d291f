"""A sketch of the vectors, in a file beside theirs: two bits for each number, gone through in place of the 32.

What it promises is scored with the vectors themselves, so it decides how fast the nearest are found, not what score
they have. Vectors are turned before they are sketched, all in the same way, which no product notices: so estimates are
wrong by chance only, whatever the embedder, and by how much is known (Gao and Long, "RaBitQ", SIGMOD 2024). The file
may be missing or lag behind; rows that are not in it are gone through one by one.
"""

import mmap
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ally.rag.stores.embedded.bits import packed, turn
from ally.rag.stores.embedded.vectors import Mapped, Rows, in_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 16384
"""Rows whose bits stand together: each step of numpy has much to do, and all it needs is in a processor's cache."""

_PART_BLOCKS = 12
_TRIED = 2
_LEVELS = 15
"""The vector that is searched for is rounded to 4 bits a number."""

_SPREAD = (0.77, 0.39)
"""The standard deviation of an estimate from the first bit and from both, times the root of the dimension."""

_FAR = 3.5
"""An estimate may be wrong by so many standard deviations too low; 1 in 4,000 is by more."""

FIRST, BOTH, CENTRE, LENGTH = range(4)
HEAD = struct.Struct("<8sIQII36x")  # 64 bytes: what follows is read faster where it stands at a multiple of 8
_MARK = b"AlkbSk1\n"


@dataclass(frozen=True, slots=True)
class Sketch:
    """The first `count` rows, as their differences from a `centre`, in blocks.

    A block has the fields `first`: bits, shape (words, 16384), `second`: bits, shape (16384, words), and `numbers`,
    shape (4, 16384): what makes an estimate of a product with the first bit and with both, the product of the
    difference with the centre, its length.
    """

    count: int
    centre: "NDArray[np.float32]"
    _blocks: "NDArray[np.void]"

    @classmethod
    def of(cls, rows: Rows) -> "Sketch | None":
        """The sketch of these vectors; None if there is none or it is damaged. Reads all of it, 0.5 ms for a MB."""
        import numpy as np  # heavy

        layout = layout_of(rows.dim)
        try:
            with file_of(rows).open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            body = memoryview(data)[HEAD.size :]
            begin = centre_bytes(rows.dim)
            blocks, rest = divmod(len(body) - begin, layout.itemsize)
            if rest or blocks < 1:
                return None
            head = data[: HEAD.size]
            count = HEAD.unpack(head)[2]
            if -(-count // BLOCK) != blocks or head != head_of(rows, count, zlib.crc32(body)):
                return None
        except (OSError, ValueError):  # ValueError: it is empty
            return None
        return cls(count, np.frombuffer(body, np.float32, rows.dim), np.frombuffer(body[begin:], layout))

    def find(self, mapped: Mapped, vector: "NDArray[np.float32]", count: int) -> "NDArray[np.intp]":
        """Rows among which are the `count` nearest of those that both have: all in 199 of 200 searches at least.

        Much more than `count` must be there. Where `vector` is near to none of them, there are very many.
        """
        import numpy as np  # heavy

        rows = min(self.count, mapped.rows.count)
        asked = _Asked.of(vector, self.centre)
        rough = self._rough(asked)[:rows]
        likely = np.flatnonzero(rough >= np.partition(rough, -_TRIED * count)[-_TRIED * count])[: 2 * _TRIED * count]
        least = np.partition(mapped.products(likely, vector), -count)[-count]
        lengths = self._blocks["numbers"][:, LENGTH].reshape(-1)[:rows]
        some = np.flatnonzero(rough >= least - asked.margin(0) * lengths)
        return some[self._fine(asked, some, rough[some]) >= least - asked.margin(1) * lengths[some]]

    def block(self, number: int) -> bytes | None:
        """One of its blocks that will not change any more."""
        return self._blocks[number].tobytes() if (number + 1) * BLOCK <= self.count else None

    def _rough(self, asked: "_Asked") -> "NDArray[np.float32]":
        """Estimates of all products from the first bits."""
        import numpy as np  # heavy

        estimates = np.empty((len(self._blocks), BLOCK), np.float32)

        def fill(start: int, end: int) -> None:
            for number in range(start, end):
                block, out = self._blocks[number], estimates[number]
                np.multiply(asked.products(block["first"]), block["numbers"][FIRST], out=out)
                out += block["numbers"][CENTRE]

        in_parts(len(self._blocks), _PART_BLOCKS, fill)
        estimates += asked.base
        return estimates.reshape(-1)

    def _fine(self, asked: "_Asked", rows: "NDArray[np.intp]", rough: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """Estimates of some products from both bits."""
        import numpy as np  # heavy

        block, place = rows // BLOCK, rows % BLOCK
        first, both, centre, _ = self._blocks["numbers"][block, :, place].T
        rest = centre + asked.base
        with np.errstate(invalid="ignore"):  # damaged rows have zeros only
            return rest + (2 * (rough - rest) / first + asked.products(self._blocks["second"][block, place].T)) * both


@dataclass(frozen=True, slots=True)
class _Asked:
    """The difference of a vector from the centre, turned and rounded to multiples of `step`.

    `base` is the product of the vector and the centre, `length` that of the difference; `planes` are its bits, shape
    (4, words, 1).
    """

    dim: int
    base: float
    length: float
    step: float
    planes: "NDArray[np.uint64]"

    @classmethod
    def of(cls, vector: "NDArray[np.float32]", centre: "NDArray[np.float32]") -> "_Asked":
        import numpy as np  # heavy

        turned = turn((vector - centre)[np.newaxis])
        step = 2 * float(np.abs(turned).max()) / _LEVELS or 1.0
        numbers = np.rint(turned / step + _LEVELS / 2).astype(np.uint8)
        planes = [packed(numbers & (1 << n)) for n in range(_LEVELS.bit_length())]
        length = float(np.linalg.norm(turned))
        return cls(len(vector), float(vector @ centre), length, step, np.stack(planes))

    def margin(self, bit: int) -> float:
        """By how much an estimate may be too low, for a difference of length 1."""
        return _FAR * _SPREAD[bit] / self.dim**0.5 * self.length

    def products(self, bits: "NDArray[np.uint64]") -> "NDArray[np.float32]":
        """Those with n rows of 1 and -1, given as bits of the shape (words, n)."""
        import numpy as np  # heavy

        differ = np.empty(bits.shape, np.uint64)
        counts = np.empty(bits.shape, np.uint8)
        total = np.zeros(bits.shape[1], np.uint16 if self.dim * _LEVELS < 1 << 16 else np.uint32)
        for plane in reversed(self.planes):
            total += total
            np.bitwise_count(np.bitwise_xor(bits, plane, out=differ), out=counts)
            for word in range(0, len(bits), 3):  # three counts fit into a byte, and bytes are added up fast
                total += np.add.reduce(counts[word : word + 3], axis=0, dtype=np.uint8)
        return (self.dim * _LEVELS / 2 - total.astype(np.float32)) * np.float32(self.step)


def file_of(rows: Rows) -> Path:
    """Where the sketch is."""
    return rows.file.with_suffix(".bits")


def head_of(rows: Rows, count: int, checksum: int) -> bytes:
    """What the file of a sketch begins with; it is that of these vectors as long as the last of its rows is there.

    Raises:
        OSError: the vectors cannot be read.
    """
    with rows.file.open("rb", buffering=0) as vectors:
        vectors.seek(max(0, count - 1) * rows.row_bytes)
        last = vectors.read(rows.row_bytes) or b""
    return HEAD.pack(_MARK, rows.dim, count, checksum, zlib.crc32(last))


def centre_bytes(dim: int) -> int:
    """What the centre takes in the file."""
    return -(-dim // 16) * 64


def layout_of(dim: int) -> "np.dtype[np.void]":
    import numpy as np  # heavy

    words = -(-dim // 64)
    return np.dtype(
        [("first", "<u8", (words, BLOCK)), ("second", "<u8", (BLOCK, words)), ("numbers", "<f4", (4, BLOCK))]
    )
