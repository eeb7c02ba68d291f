"""What is peculiar about one format."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ally.egress.ledger import ledger
from ally.errors import BadReply, ContextTooLong
from ally.rag.embeddings.counting import ESTIMATE, load_counter
from tests.conftest import ROOT
from tests.fakes import Raw
from tests.unit.rag.embeddings.services import Service, of, opened, unit_vectors


def kinds(provider: str, **options: object) -> list[tuple[str, str]]:
    """(kind as the service was told, text as it arrived) of one passage and one query."""
    with opened(of(provider), **options) as (fake, embedder):
        embedder.embed(["tea"], "passage")
        embedder.embed(["tea"], "query")
        return [(asked.kind, asked.texts[0]) for asked in fake.asked]


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("cohere", None, [("search_document", "tea"), ("search_query", "tea")]),
        ("google", "gemini-embedding-001", [("RETRIEVAL_DOCUMENT", "tea"), ("RETRIEVAL_QUERY", "tea")]),
        ("google", None, [("", "title: none | text: tea"), ("", "task: search result | query: tea")]),
        ("openai", "nomic-embed-text-v1.5", [("", "search_document: tea"), ("", "search_query: tea")]),
        ("openai", None, [("", "tea"), ("", "tea")]),
    ],
)
def test_searched_and_searching_texts_are_told_apart(provider: str, model: str | None, expected: list[tuple[str, str]]):
    assert kinds(provider, model=model) == expected


def test_prefixes_of_ones_own():
    assert kinds("openai", query_prefix="Q ", passage_prefix="P ") == [("", "P tea"), ("", "Q tea")]


@pytest.mark.parametrize("provider", ["openai", "ollama", "google", "cohere"])
def test_shorter_vectors_are_asked_for_and_made_of_length_one(provider: str):
    with opened(of(provider), dimensions=8) as (fake, embedder):
        found = embedder.embed(["tea"], "passage")
        assert found.shape == (1, 8)
        assert found[0] @ found[0] == pytest.approx(1)
        assert fake.asked[0].dimensions == 8


def test_openai_in_base64():
    with opened(of("openai"), body={"encoding_format": "base64", "user": "me"}) as (fake, embedder):
        assert np.allclose(embedder.embed(["a", "b"], "passage"), unit_vectors(["a", "b"]), atol=1e-6)
        assert fake.asked[0].is_packed
        assert fake.requests[0].json["user"] == "me"
        fake.script(Raw(b'{"data": [{"embedding": "AAAA=A"}]}', content_type="application/json"))
        with pytest.raises(BadReply, match="text in place of a vector"):
            embedder.embed(["a"], "passage")


def test_vectors_with_the_same_number_twice():
    body = b'{"data": [{"embedding": [1], "index": 0}, {"embedding": [1], "index": 0}]}'
    with opened(of("openai")) as (fake, embedder):
        fake.script(Raw(body, content_type="application/json"))
        with pytest.raises(BadReply, match="numbered"):
            embedder.embed(["a", "b"], "passage")


def test_an_error_inside_an_answer_that_says_ok():
    with opened(of("openai")) as (fake, embedder):
        fake.script(
            Raw(b'{"error": {"message": "maximum context length is 9 tokens", "code": 400}}', 200, "application/json")
        )
        with pytest.raises(ContextTooLong):
            embedder.embed(["tea"], "passage")


def test_ollama_says_how_long_a_text_may_be():
    with opened(of("ollama")) as (_, embedder):
        assert embedder.max_tokens == 256


def test_ollama_that_does_not_run_still_has_a_limit(closed_port: int):
    embedder = of("ollama").open(f"http://127.0.0.1:{closed_port}", model="mxbai-embed-large")
    assert 400 < embedder.max_tokens < 512  # the prefix counts
    embedder.close()


def test_tokens_are_counted_exactly_where_the_vocabulary_is_on_this_machine():
    exact = of("ollama").open("http://127.0.0.1:9")
    assert load_counter(exact.counter)("unbelievable tea") == 4  # with the marks of beginning and end
    assert of("openai").open("http://127.0.0.1:9").counter == ESTIMATE


def test_a_model_that_ollama_lacks_can_be_pulled():
    with opened(of("ollama"), model="bge-m3") as (_, embedder):
        with pytest.raises(Exception, match="has no model") as caught:
            embedder.embed(["tea"], "passage")
        assert getattr(caught.value, "hint", "") == "ollama pull bge-m3"


@pytest.mark.parametrize("provider", ["google", "nlpcloud"])
def test_a_text_that_a_service_would_cut_is_not_sent(provider: str):
    with opened(of(provider), max_tokens=100) as (fake, embedder):
        with pytest.raises(ContextTooLong, match="may be too long"):
            embedder.embed(["tea " * 100], "query")
        assert fake.requests == []


def test_requests_are_counted_with_their_purpose():
    with opened(of("cohere")) as (_, embedder):
        before = len(ledger.transfers)
        embedder.embed(["tea"], "passage")
        transfer = ledger.transfers[before]
        assert (transfer.purpose, transfer.location, transfer.status) == ("embed", "local", 200)


def test_a_redirect_is_not_followed_with_the_key():
    with opened(of("openai")) as (fake, embedder):
        fake.script(Raw(b"", 307, headers={"location": "http://elsewhere.example.com/"}))
        with pytest.raises(BadReply, match=r"elsewhere\.example\.com"):
            embedder.embed(["tea"], "passage")


OFFLINE = """
from ally.egress import offline
offline.enable()
from ally.errors import OfflineRefused
from tests.unit.rag.embeddings.services import SERVICES
for service in SERVICES:
    embedder = service.open("https://vectors.example.com/v1")
    assert embedder.location == "cloud"
    try:
        embedder.embed(["tea"], "passage")
    except OfflineRefused as error:
        assert error.destination.startswith("vectors.example.com"), error.destination
        assert "embedding_provider" in error.hint and "--offline" in error.hint, error.hint
    else:
        raise SystemExit(service.provider)
    embedder.close()
print("refused")
"""


def test_offline_nothing_leaves(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.returncode) == ("refused\n", 0), done.stderr


def test_batches_are_as_large_as_the_user_says():
    service: Service = of("mistral")
    texts = [f"text {number}" for number in range(30)]
    with opened(service, batch=5, concurrency=3) as (fake, embedder):
        assert np.allclose(embedder.embed(texts, "passage"), unit_vectors(texts), atol=1e-6)
        assert [len(asked.texts) for asked in fake.asked] == [5] * 6
