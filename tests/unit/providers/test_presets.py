import json
from typing import Any

import pytest

from ally.config.settings import Endpoint
from ally.egress.location import classify
from ally.errors import ConfigError
from ally.models.servers import forget
from ally.providers.compatible import CompatibleProvider, CompatibleSpec, load_presets, spec_from_endpoint
from ally.providers.presets import PRESETS, parse_preset, presets_date
from ally.providers.validation import url_problem
from tests.fakes import FakeOpenAI

GUIDE = {
    "groq": "GROQ_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "github": "GITHUB_AI_API_KEY",
    "together": "TOGETHER_API_KEY",
    "perplexity": "PERPLEXITY_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "cohere": "COHERE_API_KEY",
    "ai21": "AI21_API_KEY",
    "huggingface": "HF_TOKEN",
    "mistral": "MISTRAL_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "xai": "XAI_API_KEY",
    "nvidia": "NVIDIA_API_KEY",
}
OWN_SERVERS = ("lmstudio", "llamacpp", "vllm", "localai")
SPECS = list(load_presets().values())
ROW: dict[str, Any] = {"name": "acme", "display_name": "Acme", "base_url": "https://api.acme.test/v1"}


@pytest.fixture(autouse=True)
def forget_answers() -> None:
    forget()


def test_the_rows_that_the_guide_promises_and_their_keys() -> None:
    found = {spec.name: (*spec.env_vars, "")[0] for spec in SPECS}
    assert found == {**GUIDE, **dict.fromkeys(OWN_SERVERS, "")}


def test_no_two_services_share_a_key() -> None:
    keys = [variable for spec in SPECS for variable in spec.env_vars]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_row_is_complete(spec: CompatibleSpec) -> None:
    assert url_problem(spec.base_url, has_key=True) is None
    assert not spec.base_url.endswith("/")
    assert url_problem(spec.docs) is None
    assert spec.display_name
    assert len(set(spec.models)) == len(spec.models)


@pytest.mark.parametrize("name", GUIDE)
def test_a_hosted_service_is_reached_over_https_and_has_its_default_among_its_models(name: str) -> None:
    spec = load_presets()[name]
    provider = CompatibleProvider(spec)
    assert spec.base_url.startswith("https://")
    assert classify(spec.base_url) == "cloud"
    assert provider.get_default_model() == provider.get_available_models()[0]


@pytest.mark.parametrize("name", OWN_SERVERS)
def test_a_server_of_the_user_needs_no_key_and_is_on_this_machine(name: str) -> None:
    provider = CompatibleProvider(load_presets()[name])
    assert classify(provider.base_url) == "local"
    assert provider.get_required_env_vars() == []
    assert provider.validate_config({"model_name": "m", "api_key": None}) == (True, None)


def test_the_facts_carry_the_day_of_the_look_up() -> None:
    assert presets_date() >= "2026-11-22"
    assert set(json.loads(PRESETS.read_text(encoding="utf-8"))) == {"as_of", "services"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_urls": "https://api.acme.test/v1"},
        {"env_vars": "ACME_KEY"},
        {"env_vars": [1]},
        {"compatible": "gemini"},
        {"context_window": "large"},
        {"context_window": True},
        {"headers": []},
        {"quirks": {"tool": False}},
        {"quirks": {"tools": "no"}},
        {"quirks": {"structured": "xml"}},
    ],
)
def test_a_field_that_is_unknown_or_of_another_type_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"acme\.\w+ is unknown or of the wrong type"):
        parse_preset({**ROW, **wrong})


@pytest.mark.parametrize("missing", ROW)
def test_a_row_without_a_name_or_an_address_is_an_error(missing: str) -> None:
    with pytest.raises(ConfigError, match=f"no {missing}"):
        parse_preset({key: value for key, value in ROW.items() if key != missing})


def test_a_missing_key_is_named() -> None:
    provider = CompatibleProvider(load_presets()["groq"])
    config = {"model_name": "m", "api_key": "", "temperature": 0.2}
    assert provider.validate_config(config) == (False, "GROQ_API_KEY environment variable must be set")
    for make in (provider.create_llm, provider.create_model):
        with pytest.raises(ValueError, match=r"^GROQ_API_KEY environment variable is required$"):
            make("m", 0.2, None)


def test_a_service_that_ended_says_so_unless_it_is_run_elsewhere() -> None:
    provider = CompatibleProvider(load_presets()["github"])
    config = {"model_name": "openai/gpt-4.1", "api_key": "k"}
    is_valid, problem = provider.validate_config(config)
    assert not is_valid
    assert problem is not None
    assert "2026-07-30" in problem
    assert provider.validate_config({**config, "base_url": "https://models.example.org/inference"}) == (True, None)


def test_an_own_server_is_asked_for_its_models() -> None:
    with FakeOpenAI(key=None, models=("served-a", "served-b")) as fake:
        provider = CompatibleProvider(spec_from_endpoint("lab", Endpoint(base_url=fake.base_url)))
        assert provider.get_available_models() == ["served-a", "served-b"]
        assert provider.get_default_model() == "served-a"


def test_an_own_server_elsewhere_is_asked_there() -> None:
    with FakeOpenAI(key=None, models=("served",)) as fake:
        provider = CompatibleProvider(load_presets()["vllm"])
        provider.use_server(fake.base_url + "/")
        assert provider.base_url == fake.base_url
        assert provider.get_default_model() == "served"
    assert load_presets()["vllm"].base_url == "http://127.0.0.1:8000/v1"


def test_an_own_server_that_is_off_has_no_models(closed_port: int) -> None:
    endpoint = Endpoint(base_url=f"http://127.0.0.1:{closed_port}/v1", default_model="qwen3-32b")
    provider = CompatibleProvider(spec_from_endpoint("lab", endpoint))
    assert provider.get_default_model() == "qwen3-32b"


def test_an_endpoint_of_the_configuration_in_full() -> None:
    endpoint = Endpoint(
        compatible="anthropic",
        base_url="http://gpu:8000/",
        api_key_env="LAB_KEY",
        default_model="big",
        models=("small",),
        headers={"X-Team": "lab"},
        context_window=65536,
        display_name="The lab",
    )
    spec = spec_from_endpoint("lab", endpoint)
    provider = CompatibleProvider(spec)
    assert (provider.name, provider.get_display_name()) == ("lab", "The lab")
    assert provider.get_required_env_vars() == ["LAB_KEY"]
    assert provider.get_available_models() == ["big", "small"]
    assert provider.get_default_model() == "big"
    assert (spec.base_url, dict(spec.headers), spec.context_window) == ("http://gpu:8000", {"X-Team": "lab"}, 65536)
    assert spec.context_window_source == "user"


def test_an_endpoint_with_only_an_address() -> None:
    provider = CompatibleProvider(spec_from_endpoint("lab", Endpoint(base_url="https://lab.example.org/v1")))
    assert provider.get_display_name() == "lab"
    assert provider.get_required_env_vars() == []
    assert provider.get_default_model() is None
    assert provider.get_available_models() == []


def test_headers_of_a_service_stay_out_of_its_repr() -> None:
    assert "secret" not in repr(spec_from_endpoint("lab", Endpoint(base_url="http://gpu/v1", headers={"X": "secret"})))
