"""The header of a GGUF file: what a model is, read without loading it.

Source: the GGUF specification of the ggml project (magic, version, key-value pairs; little endian).
"""

import functools
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ally.errors import ModelFileError
from ally.models.facts import parse_parameters
from ally.models.fit import is_sliding, kv_bytes_per_token

MAGIC = b"GGUF"
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9
_MAX_PAIRS = 10_000
_MAX_TENSORS = 1_000_000
_MAX_DIMENSIONS = 8
_MAX_TEXT = 16 * 2**20
_MAX_ITEMS = 4_000_000
_BLOCK_BYTES = 2**20

Value = int | float | bool | str | list[int | float | bool] | None


@dataclass(frozen=True, slots=True)
class Header:
    """Facts of a model file; a number is 0 and a text empty where the file does not say.

    `kv_bytes_per_token` is the memory that one token of context takes with a 16-bit cache, an upper bound if some
    layers see only a `sliding` window. A whole file is larger than `least_bytes`. `parameters` is
    the number of weights that the author names, which is a round one, else that of all tensors. `embeds`: it makes
    vectors and answers nothing.
    """

    architecture: str
    name: str
    context_window: int
    kv_bytes_per_token: int
    parts: int
    tools: bool
    sliding: bool
    least_bytes: int
    parameters: int
    embeds: bool


def check_magic(path: Path, model: str, shown: str = "") -> None:
    """Refuse a file that is not GGUF at all, e.g. an error page saved under the name of a model.

    Args:
        shown: how an error names the file, by default its path.

    Raises:
        ModelFileError: it is not, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as exc:
        raise ModelFileError(f"{shown or path} cannot be read: {exc.strerror or exc}", model=model) from exc
    if start != MAGIC:
        raise ModelFileError(
            f"{shown or path} is not a GGUF model file: it starts with {start!r}.",
            model=model,
            hint="give a .gguf file; other formats have to be converted first",
        )


def read_header(path: Path, model: str) -> Header:
    """What the header says; takes about 20 ms for a vocabulary of 50,000 words, and nothing the second time.

    Raises:
        ModelFileError: the file is not GGUF, or its header is damaged.
    """
    check_magic(path, model)
    try:
        stat = path.stat()
        return _read(path, stat.st_size, stat.st_mtime_ns)
    except (OSError, ValueError, struct.error) as exc:
        raise ModelFileError(
            f"The header of {path} is damaged: {exc}", model=model, hint="fetch the file again"
        ) from exc


@functools.lru_cache(maxsize=16)
def _read(path: Path, _size: int, _changed_ns: int) -> Header:
    with path.open("rb") as file:
        pairs, tensors = _pairs(file)
        return _header(pairs, tensors, file.tell())


def _header(pairs: dict[str, Value], tensors: "list[_Tensor]", end: int) -> Header:
    architecture = str(pairs.get("general.architecture") or "")

    template = str(pairs.get("tokenizer.chat_template") or "")
    parts = pairs.get("split.count")
    count = parts if isinstance(parts, int) and parts > 0 else 1
    alignment = pairs.get("general.alignment")
    unit = alignment if isinstance(alignment, int) and alignment > 0 else 32
    label = parse_parameters(str(pairs.get("general.size_label") or ""))
    window = pairs.get(f"{architecture}.context_length")
    return Header(
        architecture=architecture,
        name=str(pairs.get("general.name") or ""),
        context_window=window if isinstance(window, int) else 0,
        kv_bytes_per_token=kv_bytes_per_token(pairs),
        parts=count,
        tools="tools" in template,
        sliding=is_sliding(pairs),
        least_bytes=-(-end // unit) * unit + max((tensor.offset for tensor in tensors), default=0),
        parameters=label or (sum(tensor.weights for tensor in tensors) if count == 1 else 0),
        embeds=bool(pairs.get(f"{architecture}.pooling_type")) or "bert" in architecture or "embed" in architecture,
    )


class _Tensor(NamedTuple):
    weights: int
    offset: int


def _pairs(file: BinaryIO) -> tuple[dict[str, Value], list[_Tensor]]:
    """The entries and the tensors; what follows in the file are the weights."""
    file.seek(len(MAGIC))
    version, tensors, count = struct.unpack("<IQQ", _take(file, 20))
    if version not in (2, 3) or count > _MAX_PAIRS or tensors > _MAX_TENSORS:
        raise ValueError(f"version {version} with {count} entries and {tensors} tensors")
    pairs: dict[str, Value] = {}
    for _ in range(count):
        key = _text(file)
        kind = _int(file, "<I")
        wanted = not key.startswith("tokenizer.") or key == "tokenizer.chat_template"
        pairs[key] = _value(file, kind, wanted)
    return pairs, [_tensor(file) for _ in range(tensors)]


def _tensor(file: BinaryIO) -> _Tensor:
    file.seek(_length(file), 1)  # its name
    dimensions = _int(file, "<I")
    if dimensions > _MAX_DIMENSIONS:
        raise ValueError(f"a tensor of {dimensions} dimensions")
    sizes = struct.unpack(f"<{dimensions}Q", _take(file, 8 * dimensions))
    file.seek(4, 1)  # its type
    return _Tensor(math.prod(sizes), _int(file, "<Q"))


def _value(file: BinaryIO, kind: int, wanted: bool) -> Value:
    if kind == _TEXT:
        return _text(file)
    if kind == _LIST:
        return _list(file, wanted)
    return struct.unpack("<" + _number(kind), _take(file, struct.calcsize("<" + _number(kind))))[0]


def _list(file: BinaryIO, wanted: bool) -> list[int | float | bool] | None:
    kind, count = struct.unpack("<IQ", _take(file, 12))
    if count > _MAX_ITEMS:
        raise ValueError(f"a list of {count} items")
    if kind == _TEXT:
        _skip_texts(file, count)
        return None
    form = f"<{count}{_number(kind)}"
    data = _take(file, struct.calcsize(form))
    return list(struct.unpack(form, data)) if wanted else None


def _skip_texts(file: BinaryIO, count: int) -> None:
    """Go past `count` texts, a block at a time: a vocabulary has hundreds of thousands of them."""
    length_of = struct.Struct("<Q").unpack_from
    start, block, at = file.tell(), b"", 0
    for _ in range(count):
        if at + 8 > len(block):
            start += at
            file.seek(start)
            block, at = file.read(_BLOCK_BYTES), 0
            if len(block) < 8:
                raise ValueError("it ends too early")
        (length,) = length_of(block, at)
        if length > _MAX_TEXT:
            raise ValueError(f"a text of {length} bytes")
        at += 8 + length
    file.seek(start + at)


def _number(kind: int) -> str:
    if kind not in _NUMBERS:
        raise ValueError(f"unknown type {kind}")
    return _NUMBERS[kind]


def _text(file: BinaryIO) -> str:
    return _take(file, _length(file)).decode("utf-8", "replace")


def _length(file: BinaryIO) -> int:
    length = _int(file, "<Q")
    if length > _MAX_TEXT:
        raise ValueError(f"a text of {length} bytes")
    return length


def _int(file: BinaryIO, form: str) -> int:
    return struct.unpack(form, _take(file, struct.calcsize(form)))[0]


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise ValueError("it ends too early")
    return data
