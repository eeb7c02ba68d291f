"""Rerankers behind HTTP: the one format that Cohere, Jina, llama.cpp, vLLM and others share.

Sources: Cohere API reference, "Rerank API (v2)"; Jina AI, "Reranker API"; llama.cpp's server, "POST /reranking".
"""

import math
from collections.abc import Sequence

import httpx2
import msgspec

from ally.egress.failures.faults import Faults
from ally.egress.transport import open_sync_client
from ally.errors import ConfigError, ProviderError
from ally.messages import JsonObject
from ally.rag.embeddings.api import Target, make_hints, to_json

_OK = 200
_LARGEST_ANSWER = 4 * 1024 * 1024
_LONGEST_IDLE_S = 30.0
"""Somebody waits for an answer; without the reranker it is only a little worse."""


class _Result(msgspec.Struct):
    index: int
    relevance_score: float


class _Reply(msgspec.Struct):
    results: list[_Result]


class HttpReranker:
    """Implements `Reranker`: `POST BASE_URL/rerank`, for an address without a version `/v2/rerank` as Cohere has it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._faults = Faults(target, make_hints())
        self._decoder = msgspec.json.Decoder(_Reply)
        self._client: httpx2.Client | None = None

    def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """As the port says.

        Raises:
            ProviderError: it cannot be reached, refuses, or answers with something else.
        """
        body: JsonObject = {"model": self._target.model, "query": query, "documents": list(texts), "top_n": len(texts)}
        is_answering = False
        try:
            with self._open().stream("POST", self._url, content=to_json(body), headers=self._headers()) as response:
                is_answering = True
                return self._scores(response, len(texts))
        except ProviderError as error:
            raise (error if error.provider else self._faults.from_transport(error, answering=False)) from error
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError) as error:
            raise self._faults.from_transport(error, answering=is_answering) from error

    def close(self) -> None:
        """Let go of connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @property
    def _url(self) -> str:
        base = self._target.base_url
        has_path = base.count("/") > 2
        return f"{base}/rerank" if has_path else f"{base}/v2/rerank"

    def _open(self) -> httpx2.Client:
        if self._client is None:
            idle_s = min(self._target.idle_timeout_s, _LONGEST_IDLE_S)
            self._client = open_sync_client(
                "rerank", connect_timeout_s=self._target.connect_timeout_s, idle_timeout_s=idle_s
            )
        return self._client

    def _headers(self) -> list[tuple[bytes, bytes]]:
        found = {"Content-Type": "application/json", **self._target.headers}
        if self._target.api_key:
            found["Authorization"] = f"Bearer {self._target.api_key}"
        if not all(value.isascii() and value.isprintable() for value in found.values()):
            raise self._faults.unsendable_key()
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in found.items()]

    def _scores(self, response: httpx2.Response, count: int) -> list[float]:
        body = b""
        for part in response.iter_bytes():
            body += part
            if len(body) > _LARGEST_ANSWER:
                raise self._faults.bad_reply(f"sent an answer of more than {_LARGEST_ANSWER // 1_000_000} MB")
        if response.status_code != _OK:
            headers = {name.lower(): value for name, value in response.headers.items()}
            raise self._faults.from_answer(response.status_code, headers, body)
        try:
            results = self._decoder.decode(body).results
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._faults.bad_reply("answered with something else than scores") from error
        scores = {one.index: one.relevance_score for one in results if math.isfinite(one.relevance_score)}
        if scores.keys() != set(range(count)):
            raise self._faults.bad_reply(f"sent scores of {len(scores)} texts for {count}")
        return [scores[n] for n in range(count)]


def split_choice(choice: str) -> tuple[str, str]:
    """Provider and model of `knowledge.reranker`.

    Raises:
        ConfigError: it is not PROVIDER/MODEL.
    """
    provider, slash, model = choice.partition("/")
    if not (provider.strip() and slash and model.strip()):
        raise ConfigError(
            f"knowledge.reranker is {choice!r}, not PROVIDER/MODEL.",
            key="knowledge.reranker",
            hint='write it like "cohere/rerank-v3.5", or with the name of an entry of "endpoints"',
        )
    return provider.strip(), model.strip()
