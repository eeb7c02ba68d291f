"""Google's embeddings.

Source: Gemini API reference, "models.batchEmbedContents". Models from gemini-embedding-2 on are told the task by a
prefix (known.json) instead of `taskType`, and each text must be a content of its own, or they are mixed into one.
"""

from collections.abc import Sequence

import msgspec

from ally.messages import JsonObject
from ally.rag.embeddings.api import Answer, Call, Habits, Target, make_hints, to_json
from ally.rag.embeddings.base import TextKind

_TASKS = {"passage": "RETRIEVAL_DOCUMENT", "query": "RETRIEVAL_QUERY"}


class _Embedding(msgspec.Struct):
    values: list[float]


class _Reply(msgspec.Struct):
    embeddings: list[_Embedding]


class GoogleApi:
    """`POST models/MODEL:batchEmbedContents`. A text that is too long is cut there, so none is sent."""

    habits = Habits(100, 20_000, 2, cuts=True)
    hints = make_hints()

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Reply)

    def write(self, target: Target, texts: Sequence[str], kind: TextKind) -> Call:
        name = f"models/{target.model.removeprefix('models/')}"
        options: JsonObject = {"taskType": _TASKS[kind]} if name == "models/gemini-embedding-001" else {}
        if target.dimensions:
            options["outputDimensionality"] = target.dimensions
        requests = [{"model": name, "content": {"parts": [{"text": text}]}, **options, **target.body} for text in texts]
        headers = {"Content-Type": "application/json", **target.headers}
        if target.api_key:
            headers["x-goog-api-key"] = target.api_key
        return Call(f"{target.base_url}/{name}:batchEmbedContents", headers, to_json({"requests": requests}))

    def read(self, body: bytes) -> Answer:
        return Answer([one.values for one in self._decoder.decode(body).embeddings])
