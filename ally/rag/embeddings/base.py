"""The contract of whatever turns text into vectors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from ally.egress.location import Location

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TextKind = Literal["passage", "query"]
"""Some models are told whether a text is searched or searches."""


class Embedder(Protocol):
    """One embedding model of one provider, ready to be used; threads may share it."""

    @property
    def provider(self) -> str:
        """As in `embedding_provider`."""
        ...

    @property
    def model(self) -> str:
        """As in `embedding_model`."""
        ...

    @property
    def fingerprint(self) -> str:
        """Names the space its vectors lie in; vectors of two fingerprints are never compared.

        It holds provider, model and what else is known to change the vectors: `local/all-minilm-l6-v2/53aa5117`.
        """
        ...

    @property
    def max_tokens(self) -> int:
        """How long a text may be."""
        ...

    @property
    def location(self) -> Location:
        """Where the texts go."""
        ...

    @property
    def counter(self) -> str:
        """What `counting.load_counter` makes a counter of its tokens of, also in another process."""
        ...

    def embed(self, texts: Sequence[str], kind: TextKind) -> "NDArray[np.float32]":
        """The vectors of `texts`.

        Args:
            texts: n texts, n ≥ 1, none empty, each of at most `max_tokens` tokens; it sends them in as many requests
                as the service wants, some of them side by side.

        Returns:
            Shape (n, dim), in the order of `texts`, each of Euclidean length 1 (the dot product is the cosine).

        Raises:
            ProviderError: as for a chat model: a missing or refused key, unreachable, too long, a bad reply; what may
                pass was tried again, as long as the service asked.
            DimensionMismatch: the vectors have another length than those before.
        """
        ...

    def close(self) -> None:
        """Let go of connections and processes."""
        ...
