"""Ollama's own embeddings.

Source: Ollama API reference, "Generate embeddings".
"""

from collections.abc import Sequence

import msgspec

from ally.messages import JsonObject
from ally.rag.embeddings.api import Answer, Call, Habits, Target, json_call, make_hints
from ally.rag.embeddings.base import TextKind


class _Reply(msgspec.Struct):
    embeddings: list[list[float]]
    prompt_eval_count: int | None = None


class OllamaApi:
    """`POST /api/embed`; `truncate` false makes a text that is too long an error."""

    habits = Habits(32, 16_000, 1)

    def __init__(self, model: str) -> None:
        self.hints = make_hints(
            unreachable="start it with: ollama serve", unknown_model=f"ollama pull {model.removesuffix(':latest')}"
        )
        self._decoder = msgspec.json.Decoder(_Reply)

    def write(self, target: Target, texts: Sequence[str], kind: TextKind) -> Call:
        body: JsonObject = {"model": target.model, "input": list(texts), "truncate": False}
        if target.dimensions:
            body["dimensions"] = target.dimensions
        return json_call(f"{target.base_url}/api/embed", target, body)

    def read(self, body: bytes) -> Answer:
        reply = self._decoder.decode(body)
        return Answer(reply.embeddings, reply.prompt_eval_count or 0)
