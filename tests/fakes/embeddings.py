"""Services that make vectors, one server for each format, with the limits and the errors of the real ones.

A vector is that of the words of its text, so that it can be known beforehand (`vector_of`).
"""

import base64
import hashlib
import itertools
import re
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.fakes.base import KEY, Invalid
from tests.fakes.reply import Cut, Failure, Hang, Raw
from tests.fakes.requests import bearer, decode
from tests.fakes.server import Exchange, Recorded, Server, encode

DIM = 16

Spoil = Callable[[list[list[float]]], list[Any]]
Scripted = Failure | Raw | Cut | Hang | Spoil


@dataclass(frozen=True, slots=True)
class Asked:
    """An accepted request: `kind` is what the service was told of it, in its own words."""

    model: str
    texts: Sequence[str]
    kind: str = ""
    dimensions: int | None = None
    is_packed: bool = False


def vector_of(text: str, dim: int = DIM) -> list[float]:
    """A direction for `text`, of no particular length."""
    raw = itertools.chain.from_iterable(
        hashlib.sha256(f"{n} {text}".encode("utf-8", "replace")).digest() for n in itertools.count()
    )
    return [(byte - 127.5) / 25 for byte in itertools.islice(raw, dim)]


class FakeEmbedder(Server):
    """What all of them have in common. `max_texts` are the most in one request, `max_words` in one text. `arrived` is
    released by every accepted request.
    """

    models: ClassVar[tuple[str, ...]] = ()
    needs_key = True
    max_texts = 96

    def __init__(self, *, key: str | None = KEY, max_words: int = 60, port: int = 0) -> None:
        self.key = key if self.needs_key else None
        self.max_words = max_words
        self.asked: list[Asked] = []
        self.arrived = threading.Semaphore(0)
        self._script: list[Scripted] = []
        self._turn = threading.Lock()
        super().__init__(port=port)

    @property
    def base_url(self) -> str:
        """What a client is configured with."""
        return self.url

    @property
    def texts(self) -> list[str]:
        """All texts of accepted requests."""
        return [text for asked in self.asked for text in asked.texts]

    def script(self, *items: Scripted) -> None:
        """Answer the next requests with these, one each."""
        self._script.extend(items)

    def read(self, request: Recorded) -> Asked:
        """What is asked for, or `Invalid`."""
        raise NotImplementedError

    def write(self, asked: Asked, rows: list[Any]) -> Any:
        """The answer."""
        raise NotImplementedError

    def error(self, status: int, message: str) -> Any:
        """An error in the vendor's shape."""
        return {"error": {"message": message, "type": "error", "code": None}}

    def sent_key(self, request: Recorded) -> str:
        """The key that came with a request."""
        return bearer(request)

    def too_many(self) -> str:
        """The complaint about too many texts."""
        return f"batch size exceeds maximum of {self.max_texts}"

    def too_long(self) -> str:
        """The complaint about a text."""
        return f"This model's maximum context length is {self.max_words} tokens, please reduce your prompt."

    def handle(self, exchange: Exchange) -> None:
        try:
            if self.key is not None and self.sent_key(exchange.request) != self.key:
                raise Invalid("Invalid API key", kind="auth")
            asked = self.read(exchange.request)
            self._check(asked)
        except Invalid as exc:
            status = {"auth": 401, "unknown_model": 404}.get(exc.kind, 400)
            exchange.send_json(status, self.error(status, exc.message))
            return
        with self._turn:
            item = self._script.pop(0) if self._script else None
        self.arrived.release()
        self._answer_with(exchange, asked, item)

    def _check(self, asked: Asked) -> None:
        if asked.model not in self.models:
            raise Invalid(f"model {asked.model!r} not found", kind="unknown_model")
        if not asked.texts or not all(asked.texts):
            raise Invalid("input must not be empty")
        if len(asked.texts) > self.max_texts:
            raise Invalid(self.too_many())
        if any(len(text.split()) > self.max_words for text in asked.texts):
            raise Invalid(self.too_long())

    def _answer_with(self, exchange: Exchange, asked: Asked, item: Scripted | None) -> None:
        rows = [vector_of(text, asked.dimensions or DIM) for text in asked.texts]
        match item:
            case Failure():
                status = item.status or _STATUS[item.kind]
                headers = {} if item.retry_after_s is None else {"retry-after": f"{item.retry_after_s:g}"}
                exchange.send_json(status, self.error(status, item.message or item.kind), headers)
            case Raw():
                exchange.send(item.status, item.body, item.content_type, item.headers)
            case Hang():
                exchange.hang()
            case Cut():
                body = encode(self.write(asked, rows))
                exchange.open_body(200, "application/json", chunked=False, headers={"content-length": str(len(body))})
                exchange.write_body(body[: len(body) // 2])
                exchange.abort()
            case None:
                self.asked.append(asked)
                exchange.send_json(200, self.write(asked, rows))
            case spoil:
                exchange.send_json(200, self.write(asked, spoil(rows)))


class FakeOpenAIEmbedder(FakeEmbedder):
    """`/v1/embeddings`; the answers come in no order, and in base64 if asked so."""

    models = ("text-embedding-3-small", "nomic-embed-text-v1.5", "mistral-embed")

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def read(self, request: Recorded) -> Asked:
        _expect(request, "/v1/embeddings")
        body = decode(request, "not JSON")
        kind = body.get("input_type", "")
        return Asked(
            body["model"], body["input"], kind, body.get("dimensions"), body.get("encoding_format") == "base64"
        )

    def write(self, asked: Asked, rows: list[Any]) -> Any:
        data = [
            {"object": "embedding", "index": index, "embedding": _packed(row) if asked.is_packed else row}
            for index, row in enumerate(rows)
        ]
        return {"object": "list", "data": data[::-1], "model": asked.model, "usage": {"prompt_tokens": 7}}


class FakeOllamaEmbedder(FakeEmbedder):
    """`/api/embed` and `/api/show`."""

    models = ("all-minilm:latest",)
    needs_key = False
    windows: ClassVar[dict[str, Any]] = {"model_info": {"bert.context_length": 512}, "parameters": "num_ctx 256"}

    def handle(self, exchange: Exchange) -> None:
        if exchange.request.path == "/api/show":
            exchange.send_json(200, {"details": {"family": "bert"}, **self.windows})
        elif exchange.request.method == "GET":
            exchange.send_json(200, {"models": []})
        else:
            super().handle(exchange)

    def read(self, request: Recorded) -> Asked:
        _expect(request, "/api/embed")
        body = decode(request, "not JSON")
        if body.get("truncate") is not False:
            raise Invalid("a text would be cut")
        return Asked(body["model"], body["input"], dimensions=body.get("dimensions"))

    def write(self, asked: Asked, rows: list[Any]) -> Any:
        return {"model": asked.model, "embeddings": rows, "total_duration": 1, "prompt_eval_count": 7}

    def error(self, status: int, message: str) -> Any:
        return {"error": message}

    def too_long(self) -> str:
        return "the input length exceeds the context length"


class FakeGoogleEmbedder(FakeEmbedder):
    """`models/X:batchEmbedContents`. A text that is too long is cut without a word."""

    models = ("gemini-embedding-2", "gemini-embedding-001")
    max_texts = 100

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1beta"

    def sent_key(self, request: Recorded) -> str:
        return request.headers.get("x-goog-api-key", "")

    def read(self, request: Recorded) -> Asked:
        found = re.fullmatch(r"/v1beta/models/([^/:]+):batchEmbedContents", request.path)
        if found is None:
            raise Invalid("no such method", kind="unknown_model")
        each = decode(request, "not JSON")["requests"]
        if any(one["model"] != f"models/{found[1]}" or len(one["content"]["parts"]) != 1 for one in each):
            raise Invalid("each request names the model and has one part")
        kinds = {one.get("taskType", "") for one in each}
        texts = [one["content"]["parts"][0]["text"] for one in each]
        return Asked(
            found[1], [_cut(text, self.max_words) for text in texts], *kinds, each[0].get("outputDimensionality")
        )

    def write(self, asked: Asked, rows: list[Any]) -> Any:
        return {"embeddings": [{"values": row} for row in rows]}

    def error(self, status: int, message: str) -> Any:
        name = {401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}.get(status, "INTERNAL")
        return {"error": {"code": status, "message": message, "status": name}}


class FakeCohereEmbedder(FakeEmbedder):
    """`/v2/embed`."""

    models = ("embed-v4.0",)

    def read(self, request: Recorded) -> Asked:
        _expect(request, "/v2/embed")
        body = decode(request, "not JSON")
        if body["embedding_types"] != ["float"] or body["truncate"] != "NONE":
            raise Invalid("a text would be cut")
        return Asked(body["model"], body["texts"], body["input_type"], body.get("output_dimension"))

    def write(self, asked: Asked, rows: list[Any]) -> Any:
        meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}}
        return {"id": "1", "texts": list(asked.texts), "embeddings": {"float": rows}, "meta": meta}

    def error(self, status: int, message: str) -> Any:
        return {"id": "1", "message": message}

    def too_many(self) -> str:
        return f"invalid request: total number of texts must be at most {self.max_texts}"

    def too_long(self) -> str:
        return f"invalid request: text at index 0 is too long: maximum length is {self.max_words} tokens"


class FakeNLPCloud(FakeEmbedder):
    """`/v1/MODEL/embeddings`. A text that is too long is cut without a word."""

    models = ("paraphrase-multilingual-mpnet-base-v2",)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def sent_key(self, request: Recorded) -> str:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return token if kind == "Token" else ""

    def read(self, request: Recorded) -> Asked:
        found = re.fullmatch(r"/v1/([^/]+)/embeddings", request.path)
        if found is None:
            raise Invalid("not found", kind="unknown_model")
        texts = decode(request, "not JSON")["sentences"]
        return Asked(found[1], [_cut(text, self.max_words) for text in texts])

    def write(self, asked: Asked, rows: list[Any]) -> Any:
        return {"embeddings": rows}

    def error(self, status: int, message: str) -> Any:
        return {"detail": message}


class FakeTextEmbeddingsInference(FakeEmbedder):
    """`/embed` of Hugging Face's server, which has one model."""

    models = ("BAAI/bge-m3",)
    needs_key = False
    max_texts = 32

    def read(self, request: Recorded) -> Asked:
        _expect(request, "/embed")
        body = decode(request, "not JSON")
        if body["truncate"] is not False:
            raise Invalid("a text would be cut")
        return Asked(next(iter(self.models), ""), body["inputs"])

    def write(self, asked: Asked, rows: list[Any]) -> Any:
        return rows

    def error(self, status: int, message: str) -> Any:
        return {"error": message, "error_type": "Validation" if status < 500 else "Backend"}

    def too_many(self) -> str:
        return f"batch size {self.max_texts + 1} > maximum allowed batch size {self.max_texts}"

    def too_long(self) -> str:
        return (
            f"Input validation error: `inputs` must have less than {self.max_words} tokens. Given: {self.max_words + 9}"
        )


_STATUS = {"auth": 401, "permission": 403, "unknown_model": 404, "rate_limit": 429, "overloaded": 503, "server": 500}


def _expect(request: Recorded, path: str) -> None:
    if (request.method, request.path) != ("POST", path):
        raise Invalid(f"there is no {request.path}", kind="unknown_model")


def _packed(row: list[Any]) -> str:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()


def _cut(text: str, words: int) -> str:
    return " ".join(text.split()[:words]) if len(text.split()) > words else text
