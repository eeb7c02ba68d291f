"""An embedding model of a few kilobytes that the engine really runs: BERT with one layer and weights by chance."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIM, WIDE = 32, 64
_VOCABULARY = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *(f"▁{word}" for word in ["how", "do", "cats", "sleep", "a", "b", "c"]),
]

Value = int | float | bool | str | Sequence[str] | Sequence[int]


def write_tiny_bert(file: Path, *, pooling: int = 1) -> Path:
    """A GGUF file; `pooling` 1 is the mean."""
    pairs: dict[str, Value] = {
        "general.architecture": "bert",
        "bert.context_length": 64,
        "bert.embedding_length": DIM,
        "bert.feed_forward_length": WIDE,
        "bert.block_count": 1,
        "bert.attention.head_count": 2,
        "bert.attention.layer_norm_epsilon": 1e-12,
        "bert.attention.causal": False,
        "bert.pooling_type": pooling,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": _VOCABULARY,
        "tokenizer.ggml.token_type": [3] * 5 + [1] * (len(_VOCABULARY) - 5),
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.eos_token_id": 3,
        "tokenizer.ggml.seperator_token_id": 3,  # the format's own spelling
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.mask_token_id": 4,
    }
    file.write_bytes(_gguf(pairs, _tensors()))
    return file


def _tensors() -> dict[str, NDArray[np.float32]]:
    chance = np.random.default_rng(1)

    def some(*shape: int) -> NDArray[np.float32]:
        return chance.normal(0, 0.3, shape).astype(np.float32)

    found = {
        "token_embd.weight": some(len(_VOCABULARY), DIM),
        "position_embd.weight": some(64, DIM),
        "token_types.weight": some(2, DIM),
    }
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        found |= {f"blk.0.{name}.weight": some(DIM, DIM), f"blk.0.{name}.bias": some(DIM)}
    found |= {"blk.0.ffn_up.weight": some(WIDE, DIM), "blk.0.ffn_up.bias": some(WIDE)}
    found |= {"blk.0.ffn_down.weight": some(DIM, WIDE), "blk.0.ffn_down.bias": some(DIM)}
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        found |= {f"{name}.weight": np.ones(DIM, np.float32), f"{name}.bias": some(DIM)}
    return found


def _gguf(pairs: dict[str, Value], tensors: dict[str, NDArray[np.float32]]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    head += b"".join(_text(name) + _value(value) for name, value in pairs.items())
    data = b""
    for name, values in tensors.items():
        sizes = values.shape[::-1]
        head += _text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, 0, len(data))
        data += _padded(values.tobytes())
    return _padded(head) + data


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    items = [_text(item) if isinstance(item, str) else struct.pack("<i", item) for item in value]
    return struct.pack("<IIQ", 9, 8 if isinstance(value[0], str) else 5, len(items)) + b"".join(items)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 32)
