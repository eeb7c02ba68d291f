"""How much context fits into memory."""

from collections.abc import Mapping
from typing import cast

KV_ITEM_BYTES = 2
"""A number in the cache of keys and values, unless the server was told otherwise (16 bit)."""

STEP = 1_024
LEAST_WINDOW = 4_096


def kv_bytes_per_token(metadata: Mapping[str, object]) -> int:
    """The memory of one token of context by the metadata of a GGUF file, 0 where it does not say.

    An upper bound if some layers see only a sliding window. Source: the GGUF specification, "LLM" keys; a list of heads
    has one number per layer, which is 0 for a layer without attention.
    """

    def number(key: str) -> int:
        value = _known(metadata, key)
        if isinstance(value, list):
            return max((item for item in cast("list[object]", value) if type(item) is int), default=0)
        return value if type(value) is int and value > 0 else 0

    heads = number("attention.head_count")
    per_layer = _known(metadata, "attention.head_count_kv")
    # A list that was left out for its length comes as an empty one: then all heads count.
    total = (
        sum(item for item in cast("list[object]", per_layer) if type(item) is int) if isinstance(per_layer, list) else 0
    )
    kv_heads = total or number("block_count") * (number("attention.head_count_kv") or heads)
    head_size = number("embedding_length") // (heads or 1)
    sizes = (number("attention.key_length") or head_size) + (number("attention.value_length") or head_size)
    return KV_ITEM_BYTES * kv_heads * sizes


def is_sliding(metadata: Mapping[str, object]) -> bool:
    """Whether some layers see only the last tokens."""
    value = _known(metadata, "attention.sliding_window")
    return type(value) is int and value > 0


def fit_window(kv_bytes: int, free_bytes: int | None, *, most: int, least: int) -> int:
    """Tokens of context for half of the free memory, a multiple of `STEP` between `least` and `most`.

    Half, because other programs want some too and a cache that swaps is slower than a shorter one. `most` where memory
    or the size of a token is not known.
    """
    if not kv_bytes or free_bytes is None:
        return most
    fitting = max(0, free_bytes) // 2 // kv_bytes // STEP * STEP
    return min(most, max(least, fitting))


def _known(metadata: Mapping[str, object], key: str) -> object:
    return metadata.get(f"{metadata.get('general.architecture')}.{key}")
