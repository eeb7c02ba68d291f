from pathlib import Path

import pytest

from ally.config.paths import Paths
from ally.errors import StorageError
from ally.models.verdicts import Verdict, Verdicts

FOUND = Verdict("schema", {"single call": True, "two calls": False}, "2026-11-22T10:00:00Z", "sha256:1")


def test_a_verdict_belongs_to_the_weights_on_one_server(paths: Paths) -> None:
    verdicts = Verdicts.of_user(paths)
    verdicts.keep("ollama", "qwen3:8b", FOUND)
    assert verdicts.find("ollama", "another-name", "sha256:1") == FOUND
    assert verdicts.find("ollama", "qwen3:8b", "sha256:2") is None
    assert verdicts.find("lmstudio", "qwen3:8b", "sha256:1") is None
    assert verdicts.strategy("ollama", "qwen3:8b", "sha256:1") == "schema"


def test_without_a_digest_it_belongs_to_the_name(paths: Paths) -> None:
    verdicts = Verdicts.of_user(paths)
    verdicts.keep("openai", "gpt", Verdict("native"))
    verdicts.keep("openai", "other", Verdict("text"))
    verdicts.keep("openai", "gpt", Verdict("schema"))
    assert (verdicts.strategy("openai", "gpt", ""), verdicts.strategy("openai", "other", "")) == ("schema", "text")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"a": {"strategy": "magic"}}', b'{"a": 1}', b"\xff", b"[" * 99_999]
)
def test_a_broken_file_counts_as_empty_and_is_set_aside_by_the_next_verdict(paths: Paths, content: bytes) -> None:
    verdicts = Verdicts.of_user(paths)
    file = paths.data / "models" / "verdicts.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert verdicts.find("ollama", "m", "") is None
    assert file.read_bytes() == content
    verdicts.keep("ollama", "m", FOUND)
    assert verdicts.find("ollama", "m", "sha256:1") == FOUND
    (aside,) = file.parent.glob("verdicts.json.broken-*")
    assert aside.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    verdicts = Verdicts(tmp_path / "models" / "verdicts.json")
    assert verdicts.find("ollama", "m", "") is None
    with pytest.raises(StorageError, match=r"verdicts\.json cannot be written"):
        verdicts.keep("ollama", "m", FOUND)
