"""Vectors in other coordinates, and bits of them in words."""

from functools import cache
from hashlib import shake_128
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def turn(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
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


def packed(bits: "NDArray[np.integer]") -> "NDArray[np.uint64]":
    """In words, shape (words, n), whether the numbers of the shape (n, dim) are not 0."""
    import numpy as np  # heavy

    octets = np.packbits(bits, axis=1)
    words = np.zeros((len(bits), -(-octets.shape[1] // 8) * 8), np.uint8)
    words[:, : octets.shape[1]] = octets
    return words.view(np.uint64).T
