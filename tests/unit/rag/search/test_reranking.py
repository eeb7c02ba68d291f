"""A reranker sorts what was found; without one, or when it fails, the search goes on as before."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from ally.errors import BadReply, ConfigError, ProviderError, RefusedKey, Unreachable
from ally.rag.embeddings.api import Target
from ally.rag.search.query import Query
from ally.rag.search.rerank_http import HttpReranker, split_choice
from ally.rag.search.search import search
from tests.fakes.server import Exchange, Server
from tests.unit.rag.search.shelves import MemoryCollection

DOCS = {"/a.md": "Bees bees bees.", "/b.md": "Bees make honey.", "/c.md": "The bees sleep."}


class Backwards:
    """Likes best what comes last."""

    def __init__(self, scores: Sequence[float] | None = None) -> None:
        self.scores = scores

    def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        return list(range(len(texts))) if self.scores is None else self.scores

    def close(self) -> None:
        pass


class Failing(Backwards):
    def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        raise Unreachable("Nobody answers.")


class FakeReranker(Server):
    """Scores a text by its length. `answer` takes the place of the answer."""

    answer: tuple[int, bytes] | None = None

    def handle(self, exchange: Exchange) -> None:
        if self.answer is not None:
            exchange.send(*self.answer)
            return
        texts: list[str] = exchange.request.json["documents"]
        results = [{"index": n, "relevance_score": len(text) / 100} for n, text in enumerate(texts)]
        exchange.send_json(200, {"results": results[::-1]})


@pytest.fixture
def server() -> Iterator[FakeReranker]:
    with FakeReranker() as running:
        yield running


def reranker(server: FakeReranker, path: str = "/v1", **target: Any) -> HttpReranker:
    return HttpReranker(Target("lab", "sorter", f"{server.url}{path}", **target))


def paths(reranker: Backwards | None) -> list[str]:
    return [hit.path for hit in search([MemoryCollection("docs", DOCS)], Query("bees"), None, reranker).hits]


def test_what_the_reranker_likes_comes_first():
    assert paths(Backwards()) == paths(None)[::-1]


def test_its_scores_are_among_the_reasons():
    hits = search([MemoryCollection("docs", DOCS)], Query("bees"), None, Backwards()).hits

    assert [hit.why.rerank_score for hit in hits] == [2, 1, 0]


def test_a_reranker_that_fails_changes_nothing_and_is_noted():
    found = search([MemoryCollection("docs", DOCS)], Query("bees"), None, Failing())

    assert [hit.path for hit in found.hits] == paths(None)
    assert found.notes == ("Not reranked: Nobody answers.",)


@pytest.mark.parametrize("scores", [[1.0], [1.0, float("nan"), 2.0], []])
def test_scores_that_cannot_be_used_change_nothing(scores: list[float]):
    found = search([MemoryCollection("docs", DOCS)], Query("bees"), None, Backwards(scores))

    assert [hit.path for hit in found.hits] == paths(None)
    assert found.notes[0].startswith("Not reranked: ")


def test_scores_come_in_the_order_of_the_texts(server: FakeReranker):
    with closing(reranker(server, api_key="key-1", headers={"X-Team": "lab"})) as one:
        assert one.rerank("bees", ["long text", "a"]) == [0.09, 0.01]

    (request,) = server.requests
    assert request.path == "/v1/rerank"
    assert request.json == {"model": "sorter", "query": "bees", "documents": ["long text", "a"], "top_n": 2}
    assert request.headers["authorization"] == "Bearer key-1"
    assert request.headers["x-team"] == "lab"


def test_an_address_without_a_version_is_one_like_coheres(server: FakeReranker):
    with closing(reranker(server, path="")) as one:
        one.rerank("bees", ["a"])

    assert server.requests[0].path == "/v2/rerank"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"message": "invalid api token"}, RefusedKey),
        (500, {}, ProviderError),
        (200, {"results": [{"index": 0, "relevance_score": 1.0}]}, BadReply),
        (200, {"results": [{"index": 0, "relevance_score": 1.0}, {"index": 7, "relevance_score": 1.0}]}, BadReply),
        (200, {"data": []}, BadReply),
        (302, {}, BadReply),
    ],
)
def test_what_a_service_may_answer_instead(server: FakeReranker, status: int, body: object, error: type[Exception]):
    server.answer = (status, json.dumps(body).encode())

    with closing(reranker(server)) as one, pytest.raises(error):
        one.rerank("bees", ["a", "b"])


def test_nobody_listens(closed_port: int):
    target = Target("lab", "sorter", f"http://127.0.0.1:{closed_port}/v1")

    with closing(HttpReranker(target)) as one, pytest.raises(Unreachable, match="lab"):
        one.rerank("bees", ["a"])


def test_a_key_that_cannot_be_sent_is_not_shown(server: FakeReranker):
    with closing(reranker(server, api_key="key\nfor me")) as one, pytest.raises(RefusedKey) as caught:
        one.rerank("bees", ["a"])

    assert "for me" not in str(caught.value)


def test_the_setting_names_provider_and_model():
    assert split_choice("cohere/rerank-v3.5") == ("cohere", "rerank-v3.5")
    assert split_choice("lab/BAAI/bge-reranker") == ("lab", "BAAI/bge-reranker")


@pytest.mark.parametrize("choice", ["cohere", "/model", "cohere/", ""])
def test_a_setting_that_names_only_one_is_refused(choice: str):
    with pytest.raises(ConfigError, match="PROVIDER/MODEL"):
        split_choice(choice)
