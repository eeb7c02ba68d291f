import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.messages import JsonObject
from ally.models.facts import ModelFacts, parse_parameters
from ally.models.servers import find_server, forget, llamacpp, lmstudio, ollama, vllm
from ally.models.servers.choice import chat_models, find_model
from ally.models.servers.fields import embeds, number, quantisation_in
from tests.fakes import FakeLlamaCpp, FakeLMStudio, FakeOpenAI, FakeVLLM
from tests.fakes.own_servers import Slots
from tests.unit.models.servers.misbehaving import Says


@pytest.fixture(autouse=True)
def forget_answers() -> None:
    forget()


def facts_of(url: str, model: str) -> ModelFacts:
    server = find_server(url)
    listed = find_model(server, model) if server else None
    assert listed is not None
    return listed.facts


def windows_of(url: str, *models: str) -> dict[str, int | None]:
    server = find_server(url)
    assert server is not None
    found = {model: find_model(server, model) for model in models}
    return {model: listed.facts.context_window if listed else None for model, listed in found.items()}


def test_llamacpp_says_what_one_request_may_hold_not_what_all_slots_do() -> None:
    with FakeLlamaCpp() as fake:
        fake.started = Slots(window=16384, slots=4, vision=True)
        server = llamacpp.list_models(fake.url)
        facts = facts_of(fake.url, "any name")
    assert server is not None
    assert (server.kind, server.version, server.models[0].is_loaded) == ("llamacpp", "b7123-0a1b2c3d", True)
    assert (facts.context_window, facts.context_window_source, facts.trained_window) == (4096, "server", 40960)
    assert (facts.tools, facts.images, facts.constrains) == (True, True, True)
    assert (facts.parameters, facts.quantisation, facts.size_bytes) == (8_190_735_360, "Q4_K_M", 5_027_783_488)


def test_llamacpp_without_an_alias_is_named_by_its_file_and_not_by_the_whole_path() -> None:
    with FakeLlamaCpp(models=["/home/me/models/qwen3-8b-q4_k_m.gguf"]) as fake:
        assert list(windows_of(fake.url, "qwen3-8b-q4_k_m.gguf").values()) == [4096]
        server = find_server(fake.url)
    assert server is not None
    assert [model.name for model in server.models] == ["qwen3-8b-q4_k_m.gguf"]


def test_llamacpp_with_another_template_or_weights_has_another_digest() -> None:
    digests: set[str] = set()
    for model in ("a", "b", "a"):
        with FakeLlamaCpp(models=[model]) as fake:
            forget()
            digests.add(facts_of(fake.url, "a").digest)
    assert len(digests) == 2
    assert "" not in digests


def test_llamacpp_whose_template_says_nothing_of_tools() -> None:
    with FakeLlamaCpp() as fake:
        fake.started = Slots(tools=None)
        assert facts_of(fake.url, "m").tools is None


def test_llamacpp_that_still_loads_has_no_window_yet() -> None:
    with FakeLlamaCpp() as fake:
        fake.is_loading = True
        facts = facts_of(fake.base_url, "m")
    assert (facts.context_window, facts.context_window_source) == (None, "guess")


def test_llamacpps_router_lists_all_models_and_loads_none_by_being_asked() -> None:
    with FakeLlamaCpp(models=["org/one:Q4_K_M", "two", "nomic-embed-text-v1.5"]) as fake:
        server = llamacpp.list_models(fake.url)
        assert fake.loaded == {"org/one:Q4_K_M"}
    assert server is not None
    windows = {model.name: (model.facts.context_window, model.is_loaded) for model in server.models}
    assert windows == {"org/one:Q4_K_M": (4096, True), "two": (None, False), "nomic-embed-text-v1.5": (None, False)}
    assert [model.name for model in chat_models(server)] == ["org/one:Q4_K_M", "two"]
    assert find_model(server, "three") is None


def test_a_model_of_llamacpp_that_produces_no_text_does_not_talk() -> None:
    rows = [
        {"id": name, "owned_by": "llamacpp", "architecture": {"output_modalities": produced}}
        for name, produced in (("judge", ["decisions"]), ("both", ["text", "decisions"]), ("old", []))
    ]
    with Says({"/v1/models": {"data": rows}}) as strange:
        server = find_server(strange.url)
    assert server is not None
    assert [model.name for model in chat_models(server)] == ["both", "old"]


@pytest.mark.parametrize("has_v1", [True, False])
def test_lmstudio_says_the_window_of_a_loaded_model_and_the_most_of_another(has_v1: bool) -> None:
    with FakeLMStudio() as fake:
        fake.has_v1 = has_v1
        fake.loaded["qwen/qwen3-8b"] = 8192
        server = find_server(fake.base_url)
    assert server is not None
    assert server.kind == "lmstudio"
    embedder, gemma, qwen = server.models
    assert (qwen.is_loaded, qwen.facts.context_window, qwen.facts.context_window_source) == (True, 8192, "server")
    assert (gemma.is_loaded, gemma.facts.context_window, gemma.facts.trained_window) == (False, None, 40960)
    assert (embedder.facts.embeds, qwen.facts.embeds) == (True, False)
    assert (gemma.facts.images, qwen.facts.images, qwen.facts.tools) == (True, False, True)
    assert gemma.facts.tools is (False if has_v1 else None)
    assert (qwen.facts.parameters, gemma.facts.parameters) == (8_000_000_000, 4_000_000_000)
    assert qwen.facts.quantisation == "Q4_K_M"
    assert [model.name for model in chat_models(server)] == ["qwen/qwen3-8b", "google/gemma-3-4b"]


def test_lmstudios_instances_and_variants_are_found_by_their_names() -> None:
    instances = [
        {"id": "qwen3:2", "config": {"context_length": 2048}},
        {"id": "qwen3:3", "config": {"context_length": 4096}},
    ]
    row = {"type": "llm", "key": "qwen3", "loaded_instances": instances, "max_context_length": 9000}
    with Says({"/api/v1/models": {"models": [row]}}) as server:
        found = windows_of(server.url, "qwen3", "qwen3:3", "qwen3@q8_0", "other")
    assert found == {"qwen3": 2048, "qwen3:3": 4096, "qwen3@q8_0": 2048, "other": None}


def test_vllm_says_the_window_also_of_an_adapter() -> None:
    with FakeVLLM() as fake:
        server = find_server(fake.url)
        facts = facts_of(fake.url, "sql-adapter")
    assert server is not None
    assert (server.kind, server.version, len(server.models)) == ("vllm", "0.14.1", 2)
    assert (facts.context_window, facts.context_window_source, facts.constrains) == (32768, "server", True)
    assert (server.models[0].facts.parameters, server.models[0].facts.quantisation) == (8_000_000_000, "AWQ")
    assert server.models[0].facts.digest != server.models[1].facts.digest


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/"])
def test_a_server_of_no_known_kind_has_names_and_what_else_it_says(tail: str) -> None:
    rows = [
        {"id": "a", "max_model_len": 16384},
        {"id": "b", "meta": {"context_length": "4096"}},
        {"id": "bge-m3"},
        {"x": 1},
    ]
    with Says({"/v1/models": {"data": rows}}) as strange:
        server = find_server(strange.url + tail)
    assert server is not None
    assert (server.kind, server.provider) == ("openai", "")
    found = [(model.name, model.facts.context_window, model.facts.embeds) for model in server.models]
    assert found == [("a", 16384, False), ("b", 4096, False), ("bge-m3", None, True)]


def test_a_list_of_models_beside_the_version_prefix() -> None:
    with Says({"/paas/v4/models": {"data": [{"id": "m"}]}}) as strange:
        assert facts_of(strange.url + "/paas/v4", "m") == ModelFacts()
        assert windows_of(strange.url + "/paas/v4", "n") == {"n": None}


def test_a_server_that_answers_every_path_with_its_models_is_of_no_known_kind() -> None:
    with FakeOpenAI(key=None, models=["m"]) as fake:
        server = find_server(fake.base_url)
    assert server is not None
    assert (server.kind, [model.name for model in server.models]) == ("openai", ["m"])


def test_no_kind_takes_another_for_itself() -> None:
    with FakeLlamaCpp() as llama, FakeLMStudio() as studio, FakeVLLM() as many, FakeOpenAI(key=None) as other:
        urls = (llama.url, studio.url, many.url, other.url)
        found = [[kind.list_models(url) is not None for url in urls] for kind in (llamacpp, lmstudio, vllm)]
    assert found == [[True, False, False, False], [False, True, False, False], [False, False, True, False]]


def test_a_key_goes_along_and_without_it_nothing_is_known() -> None:
    with FakeVLLM(key="lab-key") as fake:
        assert find_server(fake.base_url) is None
        server = find_server(fake.base_url, {"Authorization": "Bearer lab-key"})
    assert server is not None
    assert server.kind == "vllm"


ABSURD = [None, True, -1, 0, 0.5, 10**30, "many", "9" * 5000, "9" * 400 + "B", "٣", "\ud800", [], {}, float("nan")]
ABSURD += [{"n_ctx": []}, float("inf")]


@pytest.mark.parametrize("value", ABSURD, ids=lambda value: repr(value)[:12])
def test_a_server_that_lies_in_every_field(value: Any) -> None:
    row = {"id": "m", "key": "m", "state": value, **dict.fromkeys(("meta", "status", "max_model_len", "parent"), value)}
    more = ("type", "loaded_instances", "max_context_length", "loaded_context_length", "quantization", "capabilities")
    row |= dict.fromkeys((*more, "size_bytes", "params_string", "root"), value)
    props = dict.fromkeys(("default_generation_settings", "chat_template_caps", "modalities", "model_path"), value)
    for owner in ("llamacpp", "vllm", "organization_owner", value):
        rows = [{**row, "owned_by": owner}, value]
        with Says({"/v1/models": {"data": rows}, "/props": props, "/api/v1/models": {"models": rows}}) as strange:
            forget()
            server = find_server(strange.url, timeout_s=5)
        assert server is not None
        assert {model.facts.context_window for model in server.models} == {None}
        assert {model.facts.parameters for model in server.models} == {None}


def test_a_name_with_half_a_character_is_no_name() -> None:
    rows = [{"id": name, "owned_by": "llamacpp", "status": {"value": "loaded"}} for name in ("\ud800", "good")]
    said = {"/v1/models": {"data": rows}, "/props": {"role": "router", "build_info": "\ud800"}}
    with Says(said) as strange:
        server = find_server(strange.url, timeout_s=5)
    assert server is not None
    assert [model.name for model in server.models] == ["good"]
    assert server.version == ""


@pytest.mark.parametrize("value", ABSURD, ids=lambda value: repr(value)[:12])
def test_an_ollama_that_lies_in_every_field(value: Any) -> None:
    details = dict.fromkeys(("family", "parameter_size", "quantization_level"), value)
    row = {"name": "m:latest", "details": details, **dict.fromkeys(("size", "digest", "capabilities"), value)}
    loaded = {"name": "m:latest", **dict.fromkeys(("size", "size_vram", "context_length"), value)}
    shown = dict.fromkeys(("parameters", "template", "capabilities", "remote_host"), value)
    metadata = {"general.architecture": "x", "general.parameter_count": value, "x.context_length": value}
    said = {
        "/api/tags": {"models": [row, {"name": value}, value]},
        "/api/ps": {"models": [loaded]},
        "/api/show": {**shown, "details": details, "model_info": metadata},
        "/api/version": {"version": value},
    }
    with Says(said) as strange:
        server, described = ollama.list_models(strange.url), ollama.describe(strange.url, "m", timeout_s=5)
    assert server is not None
    assert described is not None
    for facts in (server.models[0].facts, described.facts):
        assert (facts.context_window, facts.trained_window, facts.parameters) == (None, None, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "owned_by", "meta", "n"]), inner)
    ),
    max_leaves=10,
)


@settings(max_examples=50)
@given(JSON)
def test_any_value_reads_as_a_number_or_as_none(value: Any) -> None:
    found = number({"n": value}, "n")
    assert found is None or found > 0


def test_numbers_as_servers_write_them() -> None:
    said: list[JsonObject] = [{"n": 8192}, {"n": "8192"}, {"n": 8192.0}]
    assert [number(one, "n") for one in said] == [8192] * 3
    assert number(json.loads('{"n": 1e300}'), "n") is None


@pytest.mark.parametrize(
    ("name", "weights", "kind", "is_embedder"),
    [
        ("Qwen3-8B-AWQ", 8_000_000_000, "AWQ", False),
        ("unsloth/Qwen3-30B-A3B-GGUF:Q4_K_M", 30_000_000_000, "Q4_K_M", False),
        ("phi-3-mini-128k-instruct", None, "", False),
        ("glm-4-9b-chat-1m-bf16", 9_000_000_000, "bf16", False),
        ("text-embedding-nomic-embed-text-v1.5", None, "", True),
        ("BAAI/bge-m3", None, "", True),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", 135_000_000, "Q4_1", False),
    ],
)
def test_what_the_name_of_a_model_tells(name: str, weights: int | None, kind: str, is_embedder: bool) -> None:
    assert (parse_parameters(name), quantisation_in(name), embeds(name)) == (weights, kind, is_embedder)
