"""A sketch of the vectors, in a file beside theirs: two bits for each number, gone through in place of the 32.

What it promises is scored with the vectors themselves, so it decides how fast the nearest are found, not what score
they have. Vectors are turned before they are sketched, all in the same way, which no product notices: so estimates are
wrong by chance only, whatever the embedder, and by how much is known (Gao and Long, "RaBitQ", SIGMOD 2024). The file
may be missing or lag behind; rows that are not in it are gone through one by one.
"""

import io
import mmap
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import shake_128
from pathlib import Path
from typing import TYPE_CHECKING

from ally.rag.stores.embedded.vectors import Mapped, Rows, failed, in_parts, private

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 16384
"""Rows whose bits stand together: each step of numpy has much to do, and all it needs is in a processor's cache."""

_AT_ONCE = 1024
_PART_BLOCKS = 3
_LEVELS = 15
"""The vector that is searched for is rounded to 4 bits a number."""

_SPREAD = (0.77, 0.39)
"""The standard deviation of an estimate from the first bit and from both, times the root of the dimension."""

_FAR = 3.5
"""An estimate may be wrong by so many standard deviations too low; 1 in 4,000 is by more."""

_ROUNDING = 1e-5
"""More than two ways to add up a product differ in float32."""

_HEAD = struct.Struct("<8sIQII")
_MARK = b"AlkbSk1\n"


@dataclass(frozen=True, slots=True)
class Sketch:
    """The first `count` rows, in blocks.

    A block has the fields `first`: bits, shape (words, 16384), `second`: bits, shape (16384, words), and `scale`, shape
    (2, 16384): what makes an estimate of a product with the first bit and with both.
    """

    count: int
    _blocks: "NDArray[np.void]"

    @classmethod
    def of(cls, rows: Rows) -> "Sketch | None":
        """The sketch of these vectors; None if there is none or it is damaged. Reads all of it, 0.5 ms for a MB."""
        import numpy as np  # heavy

        layout = _layout(rows.dim)
        try:
            with file_of(rows).open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            body = memoryview(data)[_HEAD.size :]
            blocks, rest = divmod(len(body), layout.itemsize)
            if rest or not blocks:
                return None
            head = data[: _HEAD.size]
            count = _HEAD.unpack(head)[2]
            if -(-count // _BLOCK) != blocks or head != _head(rows, count, zlib.crc32(body)):
                return None
        except (OSError, ValueError):  # ValueError: it is empty
            return None
        return cls(count, np.frombuffer(body, layout))

    def find(self, mapped: Mapped, vector: "NDArray[np.float32]", count: int) -> "NDArray[np.intp]":
        """Rows among which are the `count` nearest of those that both have: all in 199 of 200 searches at least.

        Much more than `count` must be there.
        """
        import numpy as np  # heavy

        rows = min(self.count, mapped.rows.count)
        asked = _Asked.of(vector)
        rough = self._rough(asked)[:rows]
        likely = np.argpartition(rough, rows - 4 * count)[-4 * count :]
        least = np.partition(mapped.products(likely, vector), -count)[-count]
        some = np.flatnonzero(rough >= least - asked.margin(0))
        some = some[self._fine(asked, some, rough[some]) >= least - asked.margin(1)]
        products = mapped.products(some, vector)
        return some[products >= np.partition(products, -count)[-count] - _ROUNDING]

    def block(self, number: int) -> bytes | None:
        """One of its blocks that will not change any more."""
        return self._blocks[number].tobytes() if (number + 1) * _BLOCK <= self.count else None

    def _rough(self, asked: "_Asked") -> "NDArray[np.float32]":
        """Estimates of all products from the first bits."""
        import numpy as np  # heavy

        estimates = np.empty((len(self._blocks), _BLOCK), np.float32)

        def fill(start: int, end: int) -> None:
            for number in range(start, end):
                block = self._blocks[number]
                np.multiply(asked.products(block["first"]), block["scale"][0], out=estimates[number])

        in_parts(len(self._blocks), _PART_BLOCKS, fill)
        return estimates.reshape(-1)

    def _fine(self, asked: "_Asked", rows: "NDArray[np.intp]", rough: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """Estimates of some products from both bits."""
        import numpy as np  # heavy

        block, place = rows // _BLOCK, rows % _BLOCK
        one, both = self._blocks["scale"][block, :, place].T
        with np.errstate(invalid="ignore"):  # damaged rows have a scale of 0
            return (2 * rough / one + asked.products(self._blocks["second"][block, place].T)) * both


@dataclass(frozen=True, slots=True)
class _Asked:
    """A vector, turned and rounded to multiples of `step`; `planes` has its bits, shape (4, words, 1)."""

    dim: int
    step: float
    planes: "NDArray[np.uint64]"

    @classmethod
    def of(cls, vector: "NDArray[np.float32]") -> "_Asked":
        import numpy as np  # heavy

        turned = _turn(vector[np.newaxis])
        step = 2 * float(np.abs(turned).max()) / _LEVELS or 1.0
        numbers = np.rint(turned / step + _LEVELS / 2).astype(np.uint8)
        planes = [_packed(numbers & (1 << n)) for n in range(_LEVELS.bit_length())]
        return cls(len(vector), step, np.stack(planes))

    def margin(self, bit: int) -> float:
        """By how much an estimate may be too low."""
        return _FAR * _SPREAD[bit] / self.dim**0.5

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


def build(rows: Rows, old: Sketch | None, is_stopped: Callable[[], bool]) -> None:
    """Write the sketch of all rows, at a second for 100,000; what `old` has of them is taken over.

    When it is stopped or interrupted, there is what there was.

    Raises:
        StorageError: it cannot be written.
    """
    file, temporary = file_of(rows), rows.folder / "vectors-new.bits"
    checksum = 0
    try:
        # The vectors are read, not mapped: pages of a file that was gone through count as this process's memory.
        with open(temporary, "wb", opener=private) as new, rows.file.open("rb", buffering=0) as vectors:
            new.write(bytes(_HEAD.size))
            for number in range(-(-rows.count // _BLOCK)):
                if is_stopped():
                    return
                data = (old and old.block(number)) or _sketched(vectors, rows, number)
                checksum = zlib.crc32(data, checksum)
                new.write(data)
            new.seek(0)
            new.write(_head(rows, rows.count, checksum))
            new.flush()
            os.fsync(new.fileno())
        temporary.replace(file)
    except OSError as exc:
        raise failed(file, exc) from exc
    finally:
        temporary.unlink(missing_ok=True)


def _head(rows: Rows, count: int, checksum: int) -> bytes:
    """What the file of a sketch begins with; it is that of these vectors as long as the last of its rows is there.

    Raises:
        OSError: the vectors cannot be read.
    """
    with rows.file.open("rb", buffering=0) as vectors:
        vectors.seek(max(0, count - 1) * rows.row_bytes)
        last = vectors.read(rows.row_bytes) or b""
    return _HEAD.pack(_MARK, rows.dim, count, checksum, zlib.crc32(last))


def _layout(dim: int) -> "np.dtype[np.void]":
    import numpy as np  # heavy

    words = -(-dim // 64)
    return np.dtype(
        [("first", "<u8", (words, _BLOCK)), ("second", "<u8", (_BLOCK, words)), ("scale", "<f4", (2, _BLOCK))]
    )


def _sketched(vectors: io.RawIOBase, rows: Rows, number: int) -> bytes:
    """A block of the file; the last one is filled up with zeros, and so is what is damaged."""
    import numpy as np  # heavy

    block = np.zeros((), _layout(rows.dim))
    first = number * _BLOCK
    vectors.seek(first * rows.row_bytes)
    for start in range(0, min(_BLOCK, rows.count - first), _AT_ONCE):
        count = min(_AT_ONCE, rows.count - first - start)
        some = np.frombuffer(vectors.read(count * rows.row_bytes) or b"", np.float32).reshape(-1, rows.dim)
        is_good = np.isfinite(some).all(axis=1, keepdims=True)
        turned = _turn(np.where(is_good, some, 0))
        codes = np.clip(np.floor(turned * rows.dim**0.5) + 2, 0, 3)  # stand for -3, -1, 1 and 3
        here = np.s_[start : start + len(some)]
        block["first"][:, here] = _packed(codes.astype(np.uint8) & 2)
        block["second"][here] = _packed(codes.astype(np.uint8) & 1).T
        for kind, sums in enumerate((np.abs(turned).sum(axis=1), np.vecdot(turned, 2 * codes - 3))):
            block["scale"][kind, here] = np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0)
    return block.tobytes()


def _turn(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The vectors of shape (n, dim) in other coordinates, none of which is more than the others: signs, then a Fourier
    transform."""
    import numpy as np  # heavy

    dim = vectors.shape[1]
    waves = np.fft.rfft(vectors * _signs(dim), norm="ortho").astype(np.complex64, copy=False)
    turned = waves.view(np.float32) * np.float32(2**0.5)
    turned[:, 0] /= np.float32(2**0.5)
    turned[:, 1] = turned[:, dim]  # there was the part of the constant wave that is always 0
    if dim % 2 == 0:
        turned[:, 1] /= np.float32(2**0.5)
    return turned[:, :dim]


@cache
def _signs(dim: int) -> "NDArray[np.float32]":
    """1 and -1 as by chance, the same ones for ever."""
    import numpy as np  # heavy

    bits = np.unpackbits(np.frombuffer(shake_128(b"sketch").digest(-(-dim // 8)), np.uint8))[:dim]
    return bits.astype(np.float32) * 2 - 1


def _packed(bits: "NDArray[np.integer]") -> "NDArray[np.uint64]":
    """In words, shape (words, n), whether the numbers of the shape (n, dim) are not 0."""
    import numpy as np  # heavy

    octets = np.packbits(bits, axis=1)
    words = np.zeros((len(bits), -(-octets.shape[1] // 8) * 8), np.uint8)
    words[:, : octets.shape[1]] = octets
    return words.view(np.uint64).T
