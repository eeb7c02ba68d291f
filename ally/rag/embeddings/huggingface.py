"""Hugging Face: its text-embeddings-inference server, its endpoints and its hosted feature extraction.

Source: text-embeddings-inference API, "Get Embeddings"; Inference Providers, "Feature Extraction".
"""

from collections.abc import Sequence

import msgspec

from ally.rag.embeddings.api import Answer, Call, Habits, Target, json_call, make_hints
from ally.rag.embeddings.base import TextKind

_HOSTED = "/pipeline/feature-extraction"


class HuggingFaceApi:
    """`POST /embed` of a server, or an address that ends with `/pipeline/feature-extraction` as it stands."""

    habits = Habits(32, 16_000, 1)
    hints = make_hints()

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(list[list[float]])

    def write(self, target: Target, texts: Sequence[str], kind: TextKind) -> Call:
        url = target.base_url if target.base_url.endswith(_HOSTED) else f"{target.base_url}/embed"
        return json_call(url, target, {"inputs": list(texts), "normalize": True, "truncate": False})

    def read(self, body: bytes) -> Answer:
        return Answer(self._decoder.decode(body))
