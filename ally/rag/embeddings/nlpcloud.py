"""NLP Cloud's embeddings.

Source: NLP Cloud API reference, "Embeddings".
"""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from ally.rag.embeddings.api import Answer, Call, Habits, Target, json_call, make_hints
from ally.rag.embeddings.base import TextKind


class _Reply(msgspec.Struct):
    embeddings: list[list[float]]


class NLPCloudApi:
    """`POST MODEL/embeddings`. A text that is too long is cut there, so none is sent."""

    habits = Habits(32, 8_000, 1, cuts=True)
    hints = make_hints()

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Reply)

    def write(self, target: Target, texts: Sequence[str], kind: TextKind) -> Call:
        url = f"{target.base_url}/{quote(target.model, safe='')}/embeddings"
        return json_call(url, target, {"sentences": list(texts)}, authorization="Token")

    def read(self, body: bytes) -> Answer:
        return Answer(self._decoder.decode(body).embeddings)
