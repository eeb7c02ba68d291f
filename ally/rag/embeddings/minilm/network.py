"""The network of all-MiniLM-L6-v2 with weights of 7 bits, for one text at a time.

Matrices are kept as integers with a scale for each column; what goes into them is brought to integers when it runs,
with a scale for the text at hand. So a vector depends on its text alone, and not on those that were sent with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ally.rag.embeddings.minilm.onnx import CONTRIB, FLOAT, INT64, Graph, value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOKENS, LENGTH, VECTOR = "tokens", "length", "vector"
"""The inputs, of shapes (1, n) and (1), and the output, of shape (1, dim)."""

DIM = 384
_LAYERS, _HEADS = 6, 12
_EPSILON = 1e-12
_WEIGHT_STEPS, _ROW_STEPS = 63, 127
"""Integers up to 63 never overflow in the 16-bit sums of processors without instructions for such products."""


def build(tensors: "Mapping[str, NDArray[np.float32]]") -> bytes:
    """The network as an ONNX file, always the same bytes for the same tensors.

    Raises:
        KeyError: a tensor is missing.
    """
    return _Builder(tensors).build()


@dataclass
class _Builder:
    tensors: "Mapping[str, NDArray[np.float32]]"
    graph: Graph = field(default_factory=Graph)

    def build(self) -> bytes:
        import numpy as np  # heavy

        for name, numbers in (("zero", [0]), ("parts", [DIM] * 3)):
            self.graph.constant(name, np.array(numbers, np.int64))
        found = self._embedding()
        for layer in range(_LAYERS):
            found = self._layer(f"encoder.layer.{layer}", found)
        found = self.graph.add("ReduceMean", [found], "mean", axes=[1], keepdims=0)
        self.graph.add("LpNormalization", [found], VECTOR, axis=-1, p=2)
        inputs = [value(TOKENS, INT64, [1, "n"]), value(LENGTH, INT64, [1])]
        return self.graph.to_bytes(inputs, [value(VECTOR, FLOAT, [1, DIM])])

    def _embedding(self) -> str:
        """Words and their positions; the vocabulary is kept with a scale for each row."""
        add, constant = self.graph.add, self.graph.constant
        words = self.tensors["embeddings.word_embeddings.weight"]
        numbers, scales = _as_integers(words, 1, _ROW_STEPS)
        found = add("Gather", [constant("words", numbers), TOKENS], "word_numbers")
        found = add("Cast", [found], "word_floats", to=FLOAT)
        scale = add("Gather", [constant("word_scales", scales), TOKENS], "word_scale")
        found = add("Mul", [found, scale], "word")
        kinds = self.tensors["embeddings.token_type_embeddings.weight"]
        places = self.tensors["embeddings.position_embeddings.weight"] + kinds[:1]  # there is one kind only
        place = add("Slice", [constant("places", places), "zero", LENGTH], "place")
        found = add("Add", [found, place], "word_at_place")
        norm = self._norm("embeddings.LayerNorm")
        return add("LayerNormalization", [found, *norm], "embedded", axis=-1, epsilon=_EPSILON)

    def _layer(self, name: str, before: str) -> str:
        add = self.graph.add
        names = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        parts = [f"{name}.{part}" for part in ("query", "key", "value")]
        self.graph.split("Split", [self._product(names, before), "parts"], parts, axis=-1)
        seen = add("MultiHeadAttention", parts, f"{name}.seen", domain=CONTRIB, num_heads=_HEADS)
        found = self._product([f"{name}.attention.output.dense"], seen)
        found = self._sum(f"{name}.attention.output", found, before)
        wide = self._product([f"{name}.intermediate.dense"], found)
        wide = add("Gelu", [wide], f"{name}.wide", domain=CONTRIB)
        return self._sum(f"{name}.output", self._product([f"{name}.output.dense"], wide), found)

    def _product(self, names: list[str], before: str) -> str:
        """`before` through the matrices `names` side by side, with what they add."""
        import numpy as np  # heavy

        matrix = np.concatenate([self.tensors[f"{name}.weight"].T for name in names], axis=1)
        added = np.concatenate([self.tensors[f"{name}.bias"] for name in names])
        numbers, scales = _as_integers(matrix, 0, _WEIGHT_STEPS)
        name, constant = names[0], self.graph.constant
        inputs = [
            before,
            constant(f"{name}.numbers", numbers),
            constant(f"{name}.scales", scales.reshape(-1)),
            constant(f"{name}.zeros", np.zeros(len(added), np.int8)),
            constant(f"{name}.added", added),
        ]
        return self.graph.add("DynamicQuantizeMatMul", inputs, f"{name}.product", domain=CONTRIB)

    def _sum(self, name: str, found: str, before: str) -> str:
        inputs = [found, before, *self._norm(f"{name}.LayerNorm")]
        return self.graph.add("SkipLayerNormalization", inputs, f"{name}.sum", domain=CONTRIB, epsilon=_EPSILON)

    def _norm(self, name: str) -> list[str]:
        return [
            self.graph.constant(f"{name}.{part}", self.tensors[f"{name}.{part}"].copy()) for part in ("weight", "bias")
        ]


def _as_integers(
    matrix: "NDArray[np.float32]", axis: int, steps: int
) -> "tuple[NDArray[np.int8], NDArray[np.float32]]":
    """`matrix` as integers up to `steps`, and what to multiply them by, along `axis`."""
    import numpy as np  # heavy

    scales = np.abs(matrix).max(axis, keepdims=True) / np.float32(steps)
    scales[scales == 0] = 1
    return np.rint(matrix / scales).astype(np.int8), scales
