"""Writing a network in the ONNX format, which onnxruntime reads: the few parts of it that are needed here.

The library `onnx` would do it too, with 30 MB and for one file. Source: `onnx.proto` of the format, version 9; numbers
in comments are those of its fields.
"""

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FLOAT, INT64 = 1, 7
CONTRIB = "com.microsoft"
"""The operators that onnxruntime adds to the standard ones."""

_TYPES = {"float32": FLOAT, "uint8": 2, "int8": 3, "int64": INT64}
_IR_VERSION, _OPSET, _CONTRIB_OPSET = 9, 17, 1

Attribute = int | float | list[int]


class Graph:
    """A network under construction. Values go by name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, values: "NDArray[np.generic]") -> str:
        """A tensor that is part of the file; its name."""
        dims = b"".join(_field(1, size) for size in values.shape)
        data = values.astype(values.dtype.newbyteorder("<")).tobytes()
        self._constants.append(dims + _field(2, _TYPES[values.dtype.name]) + _field(8, name) + _field(9, data))
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str, *, domain: str = "", **options: Attribute) -> str:
        """A step that makes `output` of `inputs`; its name. An empty input is one that is left out."""
        return self.split(operator, inputs, [output], domain=domain, **options)[0]

    def split(
        self, operator: str, inputs: Sequence[str], outputs: list[str], *, domain: str = "", **options: Attribute
    ) -> list[str]:
        """The same with several outputs."""
        parts = [_field(1, name) for name in inputs] + [_field(2, name) for name in outputs]
        parts += [_field(3, outputs[0]), _field(4, operator)]
        parts += [_field(5, _attribute(name, value)) for name, value in options.items()]
        parts += [_field(7, domain)] if domain else []
        self._nodes.append(b"".join(parts))
        return outputs

    def to_bytes(self, inputs: Sequence[bytes], outputs: Sequence[bytes]) -> bytes:
        """The whole file; inputs and outputs come from `value`."""
        parts = [_field(1, node) for node in self._nodes] + [_field(2, "graph")]
        parts += [_field(5, tensor) for tensor in self._constants]
        parts += [_field(11, one) for one in inputs] + [_field(12, one) for one in outputs]
        opsets = [("", _OPSET), (CONTRIB, _CONTRIB_OPSET)]
        imports = [_field(8, _field(1, domain) + _field(2, version)) for domain, version in opsets]
        return b"".join([_field(1, _IR_VERSION), *imports, _field(7, b"".join(parts))])


def value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    """An input or output of a network; a size that is a name is known when it runs."""
    sizes = [_field(1, _field(1 if isinstance(size, int) else 2, size)) for size in shape]
    tensor = _field(1, kind) + _field(2, b"".join(sizes))
    return _field(1, name) + _field(2, _field(1, tensor))


def _attribute(name: str, option: Attribute) -> bytes:
    if isinstance(option, list):
        return _field(1, name) + b"".join(_field(8, one) for one in option) + _field(20, 7)
    if isinstance(option, float):
        return _field(1, name) + _field(2, option) + _field(20, 1)
    return _field(1, name) + _field(3, option) + _field(20, 2)


def _field(number: int, content: bytes | str | float) -> bytes:
    """One field of Protocol Buffers: a number with its wire type, then the content."""
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes):
        return _varint(number << 3 | 2) + _varint(len(content)) + content
    if isinstance(content, float):
        return _varint(number << 3 | 5) + struct.pack("<f", content)
    return _varint(number << 3) + _varint(content)


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1  # a negative one in two's complement
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)
