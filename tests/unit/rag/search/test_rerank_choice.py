"""Which reranker the settings name, with whose key, and where it is."""

from contextlib import closing
from typing import Any

import pytest

from ally.config.secrets import Keys
from ally.config.settings import Endpoint, Knowledge, Settings
from ally.errors import ConfigError, MissingKey, UnknownProvider
from ally.providers.compatible import spec_from_endpoint
from ally.providers.presets import load_presets
from ally.rag.embeddings.choice import Known
from ally.rag.search.rerank_choice import open_reranker
from ally.rag.search.rerank_http import HttpReranker
from tests.fakes.server import Exchange, Server


class Sorter(Server):
    def handle(self, exchange: Exchange) -> None:
        texts: list[str] = exchange.request.json["documents"]
        exchange.send_json(200, {"results": [{"index": n, "relevance_score": 1.0} for n in range(len(texts))]})


def choose(
    reranker: str | None, base_url: str = "http://gpu:8000/v1", env: dict[str, str] | None = None, **options: Any
):
    endpoint = Endpoint(base_url=base_url, api_key_env="LAB_KEY", default_model="qwen", headers={"X-Team": "a"})
    settings = Settings(knowledge=Knowledge(reranker=reranker), provider_options=options, embedding_provider="openai")
    known = Known(list(load_presets().values()), [spec_from_endpoint("lab", endpoint)])
    return open_reranker(settings, Keys({"LAB_KEY": "lab-key-1234", **(env or {})}), known, {})


def test_none_is_set():
    assert choose(None) is None


def test_an_endpoint_of_ones_own_with_its_key_and_headers():
    with Sorter() as server:
        chosen = choose("lab/BAAI/bge-reranker", f"{server.url}/v1")
        assert isinstance(chosen, HttpReranker)
        with closing(chosen) as reranker:
            assert reranker.rerank("bees", ["a", "b"]) == [1.0, 1.0]

    (request,) = server.requests
    assert (request.path, request.json["model"]) == ("/v1/rerank", "BAAI/bge-reranker")
    assert (request.headers["authorization"], request.headers["x-team"]) == ("Bearer lab-key-1234", "a")


def test_cohere_may_be_somewhere_else():
    with Sorter() as server:
        elsewhere = {"base_url": f"{server.url}/compatibility/v1"}
        chosen = choose("cohere/rerank-v3.5", env={"COHERE_API_KEY": "key-of-cohere"}, cohere=elsewhere)
        assert chosen is not None
        with closing(chosen):
            chosen.rerank("bees", ["a"])

    assert server.requests[0].path == "/v2/rerank"


def test_a_key_that_is_missing_is_named():
    with pytest.raises(MissingKey, match="cohere needs a key: COHERE_API_KEY") as caught:
        choose("cohere/rerank-v3.5")

    assert caught.value.hint == 'put COHERE_API_KEY into .env, or set "reranker" to null'


@pytest.mark.parametrize("provider", ["local", "ollama", "groq", "anthropic"])
def test_a_provider_that_cannot_rerank_says_so(provider: str):
    with pytest.raises((ConfigError, UnknownProvider)) as caught:
        choose(f"{provider}/some-model")

    assert "reranker" in caught.value.hint


def test_an_unknown_provider_is_named():
    with pytest.raises(UnknownProvider, match="nobody"):
        choose("nobody/some-model")
