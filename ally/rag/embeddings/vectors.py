"""Checking what a service calls vectors, before anything is kept or compared."""

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Row = list[float] | str
"""One vector as it comes in JSON: numbers, or little-endian float32 in base64."""


class NoVectors(ValueError):
    """What came cannot be used; the text begins with a verb."""


def to_array(rows: Sequence[Row], count: int) -> "NDArray[np.float32]":
    """`rows` as an array of shape (count, dim), each of Euclidean length 1.

    Raises:
        NoVectors: they are of another number, of different lengths, not finite, or zero.
    """
    import numpy as np  # heavy

    if len(rows) != count:
        raise NoVectors(f"sent {len(rows)} vectors for {count} texts")
    decoded = [_decoded(row) if isinstance(row, str) else row for row in rows]
    lengths = {len(row) for row in decoded}
    if len(lengths) != 1 or 0 in lengths:
        raise NoVectors(f"sent vectors of {' and '.join(map(str, sorted(lengths)))} numbers in one answer")
    return normalised(np.asarray(decoded, dtype=np.float64))


def normalised(found: "NDArray[np.floating]") -> "NDArray[np.float32]":
    """The rows of `found`, each divided by its length.

    Raises:
        NoVectors: one is not finite, or zero, so that it has no direction.
    """
    import numpy as np  # heavy

    wide = np.asarray(found, dtype=np.float64)
    if not np.isfinite(wide).all():
        raise NoVectors("sent a vector that holds something else than finite numbers")
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if not (lengths > 1e-12).all():
        raise NoVectors("sent a vector of zeros")
    return (wide / lengths).astype(np.float32)


def _decoded(text: str) -> list[float]:
    import numpy as np  # heavy

    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoVectors("sent text in place of a vector") from error
    if len(raw) % 4:
        raise NoVectors("sent a vector that was cut")
    return np.frombuffer(raw, dtype="<f4").astype(np.float64).tolist()
