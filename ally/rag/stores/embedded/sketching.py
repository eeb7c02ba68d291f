"""Making the sketch of the vectors."""

import io
import os
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ally.rag.stores.embedded.bits import packed, turn
from ally.rag.stores.embedded.sketch import (
    BLOCK,
    BOTH,
    CENTRE,
    FIRST,
    HEAD,
    LENGTH,
    Sketch,
    centre_bytes,
    file_of,
    head_of,
    layout_of,
)
from ally.rag.stores.embedded.vectors import LONGEST, Rows, failed, private

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 1024
_SHORTEST = 1e-6


def build(rows: Rows, old: Sketch | None, is_stopped: Callable[[], bool]) -> None:
    """Write the sketch of all rows, at half a second for 100,000; what `old` has of them is taken over.

    When it is stopped or interrupted, there is what there was.

    Raises:
        StorageError: it cannot be written.
    """
    file, temporary = file_of(rows), rows.folder / "vectors-new.bits"
    try:
        # The vectors are read, not mapped: pages of a file that was gone through count as this process's memory.
        with open(temporary, "wb", opener=private) as new, rows.file.open("rb", buffering=0) as vectors:
            centre = old.centre if old else _centre(vectors, rows)
            new.write(bytes(HEAD.size))
            data = centre.tobytes().ljust(centre_bytes(rows.dim), b"\0")
            new.write(data)
            checksum = zlib.crc32(data)
            for number in range(-(-rows.count // BLOCK)):
                if is_stopped():
                    return
                data = (old and old.block(number)) or _sketched(vectors, rows, number, centre)
                checksum = zlib.crc32(data, checksum)
                new.write(data)
            new.seek(0)
            new.write(head_of(rows, rows.count, checksum))
            new.flush()
            os.fsync(new.fileno())
        temporary.replace(file)
    except OSError as exc:
        raise failed(file, exc) from exc
    finally:
        temporary.unlink(missing_ok=True)


def _centre(vectors: io.RawIOBase, rows: Rows) -> "NDArray[np.float32]":
    """About their mean: vectors of some embedders all lie on one side."""
    import numpy as np  # heavy

    starts = range(0, rows.count, max(_AT_ONCE, rows.count // 8))
    return np.concatenate([_read(vectors, rows, start) for start in starts]).mean(axis=0)


def _sketched(vectors: io.RawIOBase, rows: Rows, number: int, centre: "NDArray[np.float32]") -> bytes:
    """A block of the file; the last one is filled up with zeros, and so is what is damaged."""
    import numpy as np  # heavy

    block = np.zeros((), layout_of(rows.dim))
    first = number * BLOCK
    for start in range(0, min(BLOCK, rows.count - first), _AT_ONCE):
        some = _read(vectors, rows, first + start)
        turned = turn(np.where(some.any(axis=1, keepdims=True), some - centre, 0))
        lengths = np.linalg.norm(turned, axis=1)
        codes = np.clip(np.floor(turned * (rows.dim**0.5 / np.maximum(lengths, _SHORTEST))[:, np.newaxis]) + 2, 0, 3)
        levels = 2 * codes - 3
        here = np.s_[start : start + len(some)]
        block["first"][:, here] = packed(codes.astype(np.uint8) & 2)
        block["second"][here] = packed(codes.astype(np.uint8) & 1).T
        for kind, sums in ((FIRST, np.abs(turned).sum(axis=1)), (BOTH, np.vecdot(turned, levels))):
            block["numbers"][kind, here] = np.divide(lengths**2, sums, out=np.zeros_like(sums), where=sums > 0)
        block["numbers"][CENTRE, here] = (some - centre) @ centre
        block["numbers"][LENGTH, here] = lengths
    return block.tobytes()


def _read(vectors: io.RawIOBase, rows: Rows, start: int) -> "NDArray[np.float32]":
    """The next 1,024 rows from `start`; zeros for those that are damaged."""
    import numpy as np  # heavy

    count = min(_AT_ONCE, rows.count - start)
    vectors.seek(start * rows.row_bytes)
    some = np.frombuffer((vectors.read(count * rows.row_bytes) or b"").ljust(count * rows.row_bytes, b"\0"), np.float32)
    some = some.reshape(count, rows.dim)
    is_sound = (np.abs(some) <= LONGEST).all(axis=1, keepdims=True)
    return np.where(is_sound, some, np.float32(0))
