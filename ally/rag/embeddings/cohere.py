"""Cohere's embeddings.

Source: Cohere API reference, "Embed API (v2)".
"""

from collections.abc import Sequence

import msgspec

from ally.messages import JsonObject
from ally.rag.embeddings.api import Answer, Call, Habits, Target, json_call, make_hints
from ally.rag.embeddings.base import TextKind

_INPUT_TYPES = {"passage": "search_document", "query": "search_query"}


class _Embeddings(msgspec.Struct):
    float: list[list[float]]  # the name in the API


class _Units(msgspec.Struct):
    input_tokens: float | None = None


class _Meta(msgspec.Struct):
    billed_units: _Units | None = None


class _Reply(msgspec.Struct):
    embeddings: _Embeddings
    meta: _Meta | None = None


class CohereApi:
    """`POST /v2/embed`, at most 96 texts."""

    habits = Habits(96, 100_000, 4)
    hints = make_hints()

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Reply)

    def write(self, target: Target, texts: Sequence[str], kind: TextKind) -> Call:
        body: JsonObject = {
            "model": target.model,
            "texts": list(texts),
            "input_type": _INPUT_TYPES[kind],
            "embedding_types": ["float"],
            "truncate": "NONE",
        }
        if target.dimensions:
            body["output_dimension"] = target.dimensions
        return json_call(f"{target.base_url}/v2/embed", target, body)

    def read(self, body: bytes) -> Answer:
        reply = self._decoder.decode(body)
        units = reply.meta.billed_units if reply.meta else None
        return Answer(reply.embeddings.float, int(units.input_tokens or 0) if units else 0)
