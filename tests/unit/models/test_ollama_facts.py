"""What an Ollama server says of its models, and the one window that is pinned for each."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ally.models import pins as module
from ally.models import servers
from ally.models.facts import ModelFacts
from ally.models.fit import fit_window, kv_bytes_per_token
from ally.models.pins import Pin, Pins, choose
from ally.models.servers.ollama import Described, Loaded, ask_facts, describe, find_num_ctx, list_models, loaded
from tests.fakes import FakeOllama, Pulled
from tests.fakes.ollama import Behaviour

ROOT = "http://127.0.0.1:11434"
MODELS = ["gpt-oss:120b-cloud", "nomic-embed-text:latest", "qwen3:8b"]


@pytest.fixture(autouse=True)
def forget_answers() -> None:
    servers.forget()


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama(models=MODELS) as fake:
        yield fake


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins(tmp_path / "cache" / "windows.json")


def test_a_server_is_listed_with_what_its_models_are_for(ollama: FakeOllama):
    server = list_models(ollama.url)
    assert server is not None
    assert (server.kind, server.url, server.provider, server.version) == ("ollama", ollama.url, "ollama", "0.13.5")
    here, embedder, cloud = (server.models[place] for place in (1, 0, 2))
    assert [model.name for model in server.models] == ["nomic-embed-text:latest", "qwen3:8b", "gpt-oss:120b-cloud"]
    assert embedder.facts.embeds
    assert cloud.facts.is_remote
    assert not (here.facts.embeds or here.facts.is_remote or here.is_loaded)
    assert (here.facts.parameters, here.facts.quantisation) == (8_200_000_000, "Q4_K_M")
    assert here.facts.digest == "a" * 64


def test_a_model_is_described_by_its_file_and_by_what_is_loaded(ollama: FakeOllama):
    facts = ask_facts(ollama.url, "qwen3:8b")
    assert facts is not None
    assert (facts.tools, facts.images, facts.thinking, facts.constrains) == (True, True, True, True)
    assert facts.parameters == 8_190_735_360
    assert facts.trained_window == 131_072
    assert facts.kv_bytes_per_token == 2 * 36 * 8 * 256
    assert facts.context_window is None
    ollama.pulled["qwen3:8b"] = Pulled(num_ctx=20_000)
    assert describe(ollama.url, "qwen3:8b") == Described(
        replace(facts, context_window=20_000, context_window_source="server"), 20_000
    )
    assert ask_facts(ollama.url, "never-pulled") is None


@pytest.mark.parametrize("name", ["mine", "mine:latest", "team/mine", "registry.example/team/mine:latest"])
def test_a_name_without_a_tag_is_the_latest(name: str):
    full = name if name.endswith(":latest") else f"{name}:latest"
    with FakeOllama(models=[full]) as fake:
        described = describe(fake.url, name)
        assert described is not None
        assert described.facts.digest


def test_numbers_that_are_none_are_not_believed():
    with FakeOllama(models=["qwen3:8b"], behaviour=Behaviour(odd=True)) as fake:
        server, facts = list_models(fake.url), ask_facts(fake.url, "qwen3:8b")
    assert server is not None
    assert server.models[0].facts.digest == ""
    assert facts is not None
    assert (facts.trained_window, facts.kv_bytes_per_token, facts.context_window) == (None, 0, None)
    assert loaded("http://127.0.0.1:1") == {}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", None),
        ("num_ctx                        8192", 8192),
        ('stop "<|x|>"\nnum_ctx 4096\nnum_ctx 32768', 32_768),
        ("num_ctx 0", None),
        ("num_ctx many\nnum_ctx -5", None),
        ('stop "num_ctx 7"', None),
    ],
)
def test_num_ctx_of_a_modelfile(parameters: str, expected: int | None):
    assert find_num_ctx(parameters) == expected


LLAMA = {"block_count": 32, "attention.head_count": 32, "attention.head_count_kv": 8, "embedding_length": 4096}


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (LLAMA, 2 * 32 * 8 * 256),
        (LLAMA | {"attention.head_count_kv": [8, 0, 8, 0]}, 2 * 16 * 256),
        (LLAMA | {"attention.head_count_kv": []}, 2 * 32 * 32 * 256),  # left out, as it is long
        (LLAMA | {"attention.key_length": 64, "attention.value_length": 32}, 2 * 32 * 8 * 96),
        ({"block_count": "32", "embedding_length": None, "attention.head_count": 0}, 0),
        ({}, 0),
    ],
)
def test_memory_of_a_token(metadata: dict[str, object], expected: int):
    named = {"general.architecture": "llama", **{f"llama.{key}": value for key, value in metadata.items()}}
    assert kv_bytes_per_token(named) == expected


def test_half_of_the_free_memory_is_for_context():
    assert fit_window(100_000, 2_000_000_000, most=32_768, least=4_096) == 9_216
    assert fit_window(100_000, 10**12, most=32_768, least=4_096) == 32_768
    assert fit_window(100_000, -5, most=32_768, least=4_096) == 4_096
    assert fit_window(100_000, None, most=32_768, least=4_096) == 32_768
    assert fit_window(0, 5, most=2_048, least=4_096) == 2_048


FACTS = ModelFacts(trained_window=40_960, kv_bytes_per_token=1, size_bytes=1)


def chosen(pins: Pins, wanted: int | None = None, root: str = ROOT, **described: object) -> Pin | None:
    return choose(root, "m", replace(Described(FACTS), **described), wanted, pins)  # type: ignore[arg-type]  # fields


def test_the_pin_is_what_the_user_wants_else_the_modelfile_else_what_is_loaded_else_what_fits(pins: Pins):
    both = {"num_ctx": 6_000, "loaded": Loaded(16_384, 5, 0)}
    assert chosen(pins, 5_000, **both) == Pin(5_000, "user")
    assert chosen(pins, 99_000) == Pin(40_960, "user")
    assert chosen(pins, **both) == Pin(6_000, "server")
    assert chosen(pins) == Pin(32_768, "guess")
    assert chosen(pins, loaded=Loaded(16_384, 5, 0)) == Pin(16_384, "server")
    assert chosen(pins) == Pin(16_384, "guess")  # pinned by now
    assert chosen(pins, loaded=Loaded(4_096, 5, 0)) == Pin(16_384, "guess")
    assert chosen(pins, loaded=Loaded(40_000, 5, 0)) == Pin(40_000, "server")
    assert chosen(pins) == Pin(16_384, "guess")  # what somebody else wanted is not asked for again
    assert chosen(pins, facts=replace(FACTS, trained_window=8_192)) == Pin(8_192, "guess")
    assert chosen(pins, facts=replace(FACTS, is_remote=True)) is None


def test_where_memory_cannot_be_seen_less_is_asked_for(pins: Pins, tmp_path: Path):
    assert chosen(pins, root="http://192.168.1.5:11434") == Pin(module.UNMEASURED, "guess")
    other = Pins(tmp_path / "other.json")
    assert chosen(other, loaded=Loaded(4_096, 9_000, 9_000)) == Pin(module.UNMEASURED, "guess")
    small = replace(FACTS, trained_window=2_048)
    assert chosen(Pins(tmp_path / "third.json"), facts=small) == Pin(2_048, "guess")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"a', b"\xff\xfe", b'{"http://127.0.0.1:11434 m:latest": "7"}', None]
)
def test_a_damaged_file_begins_anew(content: bytes | None, tmp_path: Path):
    file = tmp_path / "windows.json"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    pins = Pins(file)
    assert pins.find(ROOT, "m") is None
    assert pins.keep(ROOT, "m", 9_216) == 9_216
    assert pins.find(ROOT, "m:latest") == (None if content is None else 9_216)


def test_of_many_that_choose_at_once_all_use_what_the_first_chose(tmp_path: Path):
    start = threading.Barrier(8)

    def choose_one(number: int) -> int:
        pins = Pins(tmp_path / "windows.json")
        start.wait()
        return pins.keep(ROOT, "m", 8_192 + number)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(choose_one, range(8)))) == 1
