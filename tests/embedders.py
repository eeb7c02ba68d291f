"""An embedder for tests: no model, but texts that share words have vectors that are near each other."""

import hashlib
import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ally.egress.location import Location
from ally.rag.embeddings.base import TextKind
from ally.rag.embeddings.counting import ESTIMATE

_WORD = re.compile(r"\w+")


class WordEmbedder:
    """A bag of words folded into `dim` numbers. `embedded` is every text it was given; `before` may raise."""

    provider = "words"
    location: Location = "local"
    counter = ESTIMATE

    def __init__(self, model: str = "bag", *, dim: int = 64, max_tokens: int = 256) -> None:
        self.model = model
        self.dim = dim
        self.max_tokens = max_tokens
        self.embedded: list[str] = []
        self.before: Callable[[Sequence[str]], None] = lambda texts: None
        self.is_closed = False

    @property
    def fingerprint(self) -> str:
        return f"{self.provider}/{self.model}/{self.dim}"

    def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        self.before(texts)
        self.embedded += texts
        return np.stack([self.vector(text) for text in texts])

    def vector(self, text: str) -> NDArray[np.float32]:
        row = np.zeros(self.dim, np.float32)
        for word in _WORD.findall(text.lower()):
            row[int.from_bytes(hashlib.sha256(f"{self.model} {word}".encode()).digest()[:4]) % self.dim] += 1
        row[0] += 1e-3  # a text without words has a vector, too
        return row / np.linalg.norm(row)

    def close(self) -> None:
        self.is_closed = True
