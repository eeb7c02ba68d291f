import subprocess
import sys
from typing import Any

import pytest

from ally.providers.base import BaseProvider, takes_fast_road
from ally.providers.builtin.anthropic import AnthropicProvider
from ally.providers.builtin.cerebras import CerebrasProvider
from ally.providers.builtin.google import GoogleProvider
from ally.providers.builtin.ollama import OllamaProvider
from ally.providers.builtin.openai import OpenAIProvider
from ally.providers.builtin.replicate import ReplicateProvider

FACTS = [
    (OllamaProvider, "ollama", "Ollama (Local)", []),
    (OpenAIProvider, "openai", "OpenAI", ["OPENAI_API_KEY"]),
    (AnthropicProvider, "anthropic", "Anthropic (Claude)", ["ANTHROPIC_API_KEY"]),
    (GoogleProvider, "google", "Google Gemini", ["GOOGLE_GEN_AI_API_KEY"]),
    (CerebrasProvider, "cerebras", "Cerebras", ["CEREBRAS_API_KEY"]),
    (ReplicateProvider, "replicate", "Replicate", ["REPLICATE_API_TOKEN"]),
]
CLASSES = [fact[0] for fact in FACTS]
HOSTED = [cls for cls in CLASSES if cls is not OllamaProvider]


@pytest.mark.parametrize(("cls", "name", "display_name", "variables"), FACTS)
def test_the_names_and_variables_that_the_guide_and_users_know(
    cls: type[BaseProvider], name: str, display_name: str, variables: list[str]
) -> None:
    provider = cls()
    assert provider.name == name
    assert provider.get_display_name() == display_name
    assert provider.get_required_env_vars() == variables
    assert provider.supports_streaming()


@pytest.mark.parametrize("cls", HOSTED)
def test_the_default_model_is_the_first_to_choose_from(cls: type[BaseProvider]) -> None:
    models = cls().get_available_models()
    assert cls().get_default_model() == models[0]
    assert len(set(models)) == len(models)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_fast_road_is_left_to_a_subclass_that_makes_its_own_llm(cls: type[BaseProvider]) -> None:
    own = type("Own", (cls,), {"create_llm": lambda self, *args, **kwargs: None})
    assert takes_fast_road(cls)
    assert not takes_fast_road(own)


@pytest.mark.parametrize("cls", HOSTED)
def test_a_missing_key_is_named_on_both_roads(cls: type[BaseProvider]) -> None:
    provider = cls()
    variable = provider.get_required_env_vars()[0]
    assert provider.validate_config({"model_name": "a/b", "api_key": None, "temperature": 0.5}) == (
        False,
        f"{variable} environment variable must be set",
    )
    for make in (provider.create_llm, provider.create_model):
        with pytest.raises(ValueError, match=f"^{variable} environment variable is required$"):
            make("a/b", 0.5, None)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_complete_configuration_is_valid(cls: type[BaseProvider]) -> None:
    config: dict[str, Any] = {"model_name": "meta/some-model", "api_key": "k", "temperature": 0}
    assert cls().validate_config(config) == (True, None)


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"model_name": ""}, "model_name is required for"),
    ({"model_name": None}, "model_name is required for"),
    ({"temperature": 2.5}, "temperature must be a number from 0 to"),
    ({"temperature": -0.1}, "temperature must be a number from 0 to"),
    ({"temperature": float("nan")}, "temperature must be a number from 0 to"),
    ({"temperature": "warm"}, "temperature must be a number, not 'warm'"),
    ({"temperature": True}, "temperature must be a number, not True"),
    ({"max_tokens": 0}, "max_tokens must be a whole number from 1"),
    ({"max_tokens": 1.5}, "max_tokens must be a whole number, not 1.5"),
    ({"num_ctx": "8k"}, "num_ctx must be a whole number, not '8k'"),
    ({"timeout": 0}, "timeout must be a number from 0.001"),
    ({"base_url": "localhost:11434"}, "base_url must look like https://host/v1"),
    ({"base_url": "ftp://host/v1"}, "base_url must look like https://host/v1"),
    ({"base_url": "https://"}, "base_url must look like https://host/v1"),
    ({"base_url": "https://host:99999"}, "base_url is malformed"),
    ({"base_url": "https://[::1"}, "base_url is malformed"),
    ({"base_url": "https://host/v 1"}, "base_url must not hold spaces"),
    ({"base_url": 8080}, "base_url must be text, not int"),
    ({"base_url": "https://me:secret@host/v1"}, "base_url must not hold a user"),
    ({"base_url": "https://host/v1?key=secret"}, "base_url must not hold a user, a query"),
    ({"endpoint": "host"}, "base_url must look like https://host/v1"),
    ({"headers": ["X-Team: lab"]}, "headers must be an object"),
    ({"headers": {"X-Team": 1}}, "headers must be an object"),
    ({"headers": {"X-Team": "a\nb"}}, "headers holds characters"),
]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(("wrong", "said"), BROKEN)
def test_what_is_wrong_is_said_before_the_first_request(
    cls: type[BaseProvider], wrong: dict[str, Any], said: str
) -> None:
    config = {"model_name": "meta/some-model", "api_key": "k", "temperature": 0.5, **wrong}
    is_valid, problem = cls().validate_config(config)
    assert not is_valid
    assert problem is not None
    assert problem.startswith(said)
    assert "secret" not in problem


def test_claude_has_no_temperature_above_one() -> None:
    config = {"model_name": "claude-haiku-4-5", "api_key": "k", "temperature": 1.2}
    assert AnthropicProvider().validate_config(config) == (False, "temperature must be a number from 0 to 1, not 1.2")


def test_a_key_on_its_way_in_clear_text_is_a_warning_only_beyond_the_own_network() -> None:
    config = {"model_name": "m", "api_key": "k"}
    assert OpenAIProvider().validate_config({**config, "base_url": "http://gateway.example.com/v1"})[0] is False
    for near in ("http://127.0.0.1:9/v1", "http://gpu:8000/v1", "http://192.168.1.9/v1"):
        assert OpenAIProvider().validate_config({**config, "base_url": near}) == (True, None)


def test_a_replicate_model_needs_its_owner() -> None:
    config = {"model_name": "llama-3", "api_key": "k"}
    assert ReplicateProvider().validate_config(config) == (False, "model_name must look like owner/name, not llama-3")


def test_importing_the_providers_loads_no_client() -> None:
    modules = ["ally.providers.compatible", *(cls.__module__ for cls in CLASSES)]
    heavy = ("httpx2", "httpx", "langchain_core", "pydantic", "http.client", "openai", "numpy", "asyncio")
    code = f"import {', '.join(modules)}, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
