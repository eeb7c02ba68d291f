"""How large passages may be."""

from dataclasses import dataclass

from ally.rag.embeddings.counting import ESTIMATE


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """`max_tokens` of a passage with its headings, as `counter` counts; `target_tokens` is what it is filled up to."""

    max_tokens: int = 256
    target_tokens: int = 224
    counter: str = ESTIMATE
