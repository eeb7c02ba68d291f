"""Fetching and removing models of an Ollama server."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from ally.egress.ledger import ledger
from ally.errors import AllyError, BadReply, ModelFileError, UnknownModel, Unreachable
from ally.models.ollama_pull import full_name, names, pull, remove
from ally.models.progress import Progress
from tests.fakes.ollama_pull import PullingOllama

SIGNED = "https://storage.example/blob?X-Amz-Credential=AKIA&X-Amz-Signature=SECRET"


@pytest.fixture
def ollama() -> Iterator[PullingOllama]:
    with PullingOllama() as fake:
        yield fake


def failed(root: str, name: str = "tiny") -> tuple[AllyError, list[Progress]]:
    told: list[Progress] = []
    with pytest.raises(AllyError) as caught:
        pull(root, name, told.append)
    return caught.value, told


def test_layers_are_one_bar_of_bytes_then_a_check_and_the_end(ollama: PullingOllama) -> None:
    told: list[Progress] = []
    pull(ollama.url, "tiny", told.append)
    whole = sum(ollama.library["tiny:latest"])
    assert (told[0].phase, told[0].done_bytes, told[0].total_bytes) == ("fetch", 0, None)
    fetched = [progress for progress in told if progress.phase == "fetch"]
    assert all(before.done_bytes <= after.done_bytes for before, after in pairwise(fetched))
    assert (fetched[-1].done_bytes, fetched[-1].total_bytes) == (whole, whole)
    assert [progress.phase for progress in told[-3:]] == ["check", "check", "done"]
    assert told[-1].done_bytes == whole
    assert names(ollama.url) == ["tiny:latest"]


def test_the_transfer_is_in_the_ledger(ollama: PullingOllama) -> None:
    before = len(ledger.transfers)
    pull(ollama.url, "tiny")
    transfer = ledger.transfers[before]
    assert (transfer.purpose, transfer.location, transfer.status) == ("model download", "local", 200)


def test_what_was_fetched_before_counts_at_once(ollama: PullingOllama) -> None:
    pull(ollama.url, "tiny")
    del ollama.pulled["tiny:latest"]
    told: list[Progress] = []
    pull(ollama.url, "tiny", told.append)
    assert next(progress.done_bytes for progress in told if progress.total_bytes) == 4_000_000


@pytest.mark.parametrize(
    ("said", "kind", "words", "hint"),
    [
        ("pull model manifest: file does not exist", UnknownModel, "finds no model tiny", "name and tag"),
        ("max retries exceeded: write /x: no space left on device", ModelFileError, "disk of Ollama", "where it stop"),
        (
            f'max retries exceeded: Get "{SIGNED}": dial tcp: lookup x: no such host',
            Unreachable,
            "no such host",
            "online",
        ),
        (
            "pull model manifest: 412: \n\nrequires a newer version of Ollama",
            ModelFileError,
            "newer",
            "update",
        ),
        ("digest mismatch, file must be downloaded again: want sha256:a", ModelFileError, "damaged", "again"),
        ("pull model manifest: 401: unauthorized", ModelFileError, "may not", "signin"),
        ("something nobody foresaw\x1b[31m\u202e", ModelFileError, "nobody foresaw", "log"),
        ("x" * 100_000, ModelFileError, "xxx", "log"),
    ],
)
def test_an_error_line_in_a_good_stream(
    ollama: PullingOllama, said: str, kind: type[AllyError], words: str, hint: str
) -> None:
    ollama.said = [{"status": "pulling manifest"}, {"error": said}]
    error, told = failed(ollama.url)
    assert type(error) is kind
    assert words in error.message
    assert hint in error.hint
    assert "SECRET" not in error.message
    assert len(error.message) < 500
    assert told[-1].phase == "stopped"


def test_a_name_that_the_server_refuses(ollama: PullingOllama) -> None:
    error, _ = failed(ollama.url, "two words")
    assert isinstance(error, UnknownModel)
    assert "invalid model name" in error.message


@pytest.mark.parametrize("ends", ["properly", "abort", "reset"])
def test_a_stream_that_ends_before_its_end(ollama: PullingOllama, ends: str) -> None:
    ollama.said, ollama.ends = [{"status": "pulling 1", "digest": "d", "total": 9, "completed": 3}, b'{"stat'], ends
    error, told = failed(ollama.url)
    assert isinstance(error, Unreachable)
    assert "broke" in error.message
    assert "goes on where it stopped" in error.hint
    assert told[-1].phase == "stopped"


@pytest.mark.parametrize("line", [b"<html>\n", b"[1]\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b"x" * 2_000_000])
def test_a_stream_of_something_else(ollama: PullingOllama, line: bytes) -> None:
    ollama.said = [line]
    error, _ = failed(ollama.url)
    assert isinstance(error, BadReply)
    assert "no Ollama" in error.message


@pytest.mark.parametrize(
    ("total", "completed", "expected"),
    [(100, 250, (100, 100)), (100, -5, (0, 100)), ("100", "50", (0, None)), (None, [], (0, None)), (True, 1, (1, 1))],
)
def test_numbers_that_cannot_be(ollama: PullingOllama, total: Any, completed: Any, expected: Any) -> None:
    lie = {"status": "pulling 1", "digest": "d", "total": total, "completed": completed}
    ollama.said = [lie, {"status": 7, "digest": 7}, {}, {"status": "success"}]
    told: list[Progress] = []
    pull(ollama.url, "tiny", told.append)
    assert (told[0].done_bytes, told[0].total_bytes) == expected


def test_no_server(closed_port: int) -> None:
    root = f"http://127.0.0.1:{closed_port}"
    error, _ = failed(root)
    assert isinstance(error, Unreachable)
    assert "ollama serve" in error.hint
    for ask in (lambda: names(root), lambda: remove(root, "tiny:latest")):
        with pytest.raises(Unreachable, match="it does not run"):
            ask()


def test_another_service_at_the_address(fake_openai: Any) -> None:
    error, _ = failed(fake_openai.url)
    assert isinstance(error, BadReply)


def test_removing_takes_the_exact_name(ollama: PullingOllama) -> None:
    pull(ollama.url, "tiny")
    with pytest.raises(UnknownModel) as caught:
        remove(ollama.url, "tiny")
    assert "tiny:latest" in caught.value.hint
    remove(ollama.url, "tiny:latest")
    assert ollama.deleted == ["tiny:latest"]
    with pytest.raises(UnknownModel):
        remove(ollama.url, "tiny:latest")


def test_a_name_without_a_tag_means_latest() -> None:
    assert full_name("qwen3") == "qwen3:latest"
    assert full_name("qwen3:8b") == "qwen3:8b"
    assert full_name("host:5000/me/model") == "host:5000/me/model:latest"
