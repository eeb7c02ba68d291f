"""OpenAI's embeddings and the many services that copy them.

Source: OpenAI API reference, "Create embeddings".
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from ally.egress.location import classify
from ally.messages import JsonObject
from ally.rag.embeddings.api import Answer, Call, Habits, Target, json_call, make_hints
from ally.rag.embeddings.base import TextKind
from ally.rag.embeddings.vectors import NoVectors

_INPUT_TYPE = ("nv-", "nvidia/", "llama-3.2-nv")
"""Models whose service is told whether a text is searched or searches (NVIDIA)."""


class _Item(msgspec.Struct):
    embedding: list[float] | str
    index: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Reply(msgspec.Struct):
    data: list[_Item]
    usage: _Usage | None = None


class OpenAIApi:
    """`POST /embeddings`."""

    hints = make_hints()

    def __init__(self, base_url: str) -> None:
        self._is_openai = urlsplit(base_url).hostname == "api.openai.com"
        is_cloud = classify(base_url) == "cloud"
        # 2,048 texts and 300,000 tokens are OpenAI's limits; others stop earlier, and a server at home works in order.
        self.habits = Habits(256, 100_000, 4) if self._is_openai else Habits(64, 30_000, 4 if is_cloud else 1)
        self._decoder = msgspec.json.Decoder(_Reply)

    def write(self, target: Target, texts: Sequence[str], kind: TextKind) -> Call:
        body: JsonObject = {"model": target.model, "input": list(texts)}
        if target.dimensions:
            body["dimensions"] = target.dimensions
        # A quarter of the bytes; of the others not all know it.
        body["encoding_format"] = "base64" if self._is_openai else "float"
        if target.model.startswith(_INPUT_TYPE):
            body |= {"input_type": kind, "truncate": "NONE"}
        return json_call(f"{target.base_url}/embeddings", target, body)

    def read(self, body: bytes) -> Answer:
        reply = self._decoder.decode(body)
        usage = reply.usage
        return Answer(in_order(reply.data), (usage.prompt_tokens or usage.total_tokens or 0) if usage else 0)


def in_order(items: Sequence[_Item]) -> list[list[float] | str]:
    """The vectors by their `index`; without any, as they came.

    Raises:
        NoVectors: an index is missing or there twice.
    """
    if all(item.index is None for item in items):
        return [item.embedding for item in items]
    by_index = {item.index: item.embedding for item in items}
    if set(by_index) != set(range(len(items))):
        raise NoVectors("numbered its vectors wrongly")
    return [by_index[number] for number in range(len(items))]
