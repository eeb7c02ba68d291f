"""Reading the header of a model file."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.errors import ModelFileError
from ally.models.gguf import read_header
from tests.unit.models.making import Value, gguf


def write(folder: Path, data: bytes) -> Path:
    file = folder / "model.gguf"
    file.write_bytes(data)
    return file


def test_facts_that_size_the_context(tmp_path: Path) -> None:
    pairs: dict[str, Value] = {
        "general.architecture": "qwen3",
        "general.name": "Quén",
        "qwen3.block_count": 28,
        "qwen3.context_length": 40960,
        "qwen3.embedding_length": 1024,
        "qwen3.attention.head_count": 16,
        "qwen3.attention.head_count_kv": 8,
        "qwen3.attention.key_length": 128,
        "qwen3.attention.value_length": 128,
        "tokenizer.ggml.tokens": ["a", "b", "€"],
        "tokenizer.ggml.token_type": [1, 1, 1],
        "tokenizer.chat_template": "{% if tools %}…{% endif %}",
    }
    header = read_header(write(tmp_path, gguf(pairs)), "m")
    assert (header.architecture, header.name, header.context_window) == ("qwen3", "Quén", 40960)
    assert header.kv_bytes_per_token == 28 * 8 * (128 + 128) * 2
    assert header.tools
    assert header.parts == 1


def test_layers_without_attention_take_no_context_memory(tmp_path: Path) -> None:
    pairs: dict[str, Value] = {
        "general.architecture": "granitehybrid",
        "granitehybrid.block_count": 4,
        "granitehybrid.embedding_length": 256,
        "granitehybrid.attention.head_count": 4,
        "granitehybrid.attention.head_count_kv": [0, 0, 2, 0],
    }
    assert read_header(write(tmp_path, gguf(pairs)), "m").kv_bytes_per_token == 2 * (64 + 64) * 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a GGUF"),
        (b"<!DOCTYPE html><title>504</title>", "not a GGUF"),
        (gguf(version=9), "version 9"),
        (gguf()[:40], "ends too early"),
        (gguf().replace(b"llama", b"\xff\xff\xff\xff\xff", 1)[:24] + b"\xff" * 50, "damaged"),
    ],
)
def test_a_file_that_is_no_model_is_named_and_refused(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(ModelFileError, match=said) as caught:
        read_header(write(tmp_path, data), "m")
    assert caught.value.model == "m"
    assert caught.value.hint


@settings(max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 120))
def test_random_damage_is_an_error_or_a_header_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    data = gguf()
    spoiled = data[:4] + (data[4 : 4 + at] + noise + data[4 + at + len(noise) :])
    try:
        read_header(write(tmp_path_factory.mktemp("noise"), spoiled), "m")
    except ModelFileError:
        return


def test_weights_are_counted_and_the_authors_own_number_wins(tmp_path: Path) -> None:
    assert read_header(write(tmp_path, gguf(payload=b"\x07" * 4000)), "m").parameters == 1000
    pairs: dict[str, Value] = {"general.architecture": "llama", "general.size_label": "8.2B", "split.count": 3}
    assert read_header(write(tmp_path, gguf(pairs)), "m").parameters == 8_200_000_000


def test_a_vocabulary_of_any_size_is_passed_over(tmp_path: Path) -> None:
    words = ["", "€" * 700_000, *(f"word {number}" for number in range(100_000)), "x" * 1_200_000]
    pairs: dict[str, Value] = {
        "general.architecture": "llama",
        "tokenizer.ggml.tokens": words,
        "llama.context_length": 77,
    }
    data = gguf(pairs)
    assert read_header(write(tmp_path, data), "m").context_window == 77
    with pytest.raises(ModelFileError, match="ends too early"):
        read_header(write(tmp_path, data[:1_500_000]), "m")


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    pairs: dict[str, Value] = {"general.architecture": "llama", "llama.context_length": 77}
    assert read_header(write(tmp_path, gguf()), "m").context_window == 4096
    assert read_header(write(tmp_path, gguf(pairs)), "m").context_window == 77
