"""Facts of hosted models reach both roads: Ally's profile and LangChain's."""

from typing import Any

import pytest

from ally.config.settings import Endpoint
from ally.models.hosted import find
from ally.providers.base import BaseProvider
from ally.providers.builtin.anthropic import AnthropicProvider
from ally.providers.builtin.cerebras import CerebrasProvider
from ally.providers.builtin.google import GoogleProvider
from ally.providers.builtin.openai import OpenAIProvider
from ally.providers.compatible import CompatibleProvider, load_presets, spec_from_endpoint
from ally.providers.langchain import wrap_llm
from ally.providers.listed import HOMES
from tests.unit.providers.langchain_objects import Plugin
from tests.unit.providers.test_langchain_strangers import ToolStream

PRESETS = load_presets()
HOSTED: list[tuple[BaseProvider, str]] = [
    (OpenAIProvider(), "gpt-4.1"),
    (AnthropicProvider(), "claude-opus-4-5"),
    (GoogleProvider(), "gemini-2.5-pro"),
    (CompatibleProvider(PRESETS["groq"]), "openai/gpt-oss-120b"),
    (CompatibleProvider(PRESETS["xai"]), "grok-4.3"),
]


@pytest.mark.parametrize(("provider", "model"), HOSTED, ids=lambda value: getattr(value, "name", value))
def test_a_listed_window_is_on_both_roads(provider: BaseProvider, model: str) -> None:
    listed = find(provider.name, model)
    assert listed is not None
    made = provider.create_model(model, 0.5, "sk-1").profile
    said = provider.create_llm(model, 0.5, "sk-1").profile
    assert made.context_window == said["max_input_tokens"] <= listed.context_window
    assert made.context_window_source == "catalogue"
    assert (made.tools, said["tool_calling"]) == (listed.tools, listed.tools)
    assert (made.images, said["image_inputs"]) == (listed.images, listed.images)
    assert said["max_output_tokens"] == listed.max_output_tokens


def test_the_smaller_window_of_list_and_service_counts() -> None:
    sonnet = AnthropicProvider().create_model("claude-sonnet-4-5", 0.5, "sk-1").profile  # a million takes a header
    assert sonnet.context_window == 200_000
    assert CerebrasProvider().create_model("gpt-oss-120b", 0.5, "sk-1").profile.context_window == 65_536
    assert CerebrasProvider().create_llm("gpt-oss-120b", 0.5, "sk-1").profile["max_input_tokens"] == 65_536


def test_a_model_that_takes_no_tools_is_known_as_one() -> None:
    groq = CompatibleProvider(PRESETS["groq"])
    plain = groq.create_model("groq/compound", 0.5, "sk-1").profile
    assert (plain.tools, plain.constrains) == (False, False)
    able = groq.create_model("openai/gpt-oss-120b", 0.5, "sk-1").profile
    assert (able.tools, able.constrains) == (True, True)


def test_the_users_window_wins_on_both_roads() -> None:
    provider = OpenAIProvider()
    profile = provider.create_model("gpt-4.1", 0.5, "sk-1", context_window=5000).profile
    assert (profile.context_window, profile.context_window_source) == (5000, "user")
    assert provider.create_llm("gpt-4.1", 0.5, "sk-1", context_window=5000).profile["max_input_tokens"] == 5000
    endpoint = Endpoint(base_url="https://models.example/v1", context_window=6000)
    llm = CompatibleProvider(spec_from_endpoint("groq", endpoint)).create_llm("openai/gpt-oss-120b", 0.5)
    assert llm.profile["max_input_tokens"] == 6000


def test_an_unlisted_model_is_a_guess() -> None:
    profile = OpenAIProvider().create_model("my-own-model", 0.5, "sk-1").profile
    assert (profile.context_window, profile.context_window_source) == (None, "guess")
    assert not OpenAIProvider().create_llm("my-own-model", 0.5, "sk-1").profile


def test_a_server_on_this_machine_is_not_what_the_list_describes() -> None:
    options: dict[str, Any] = {"base_url": "http://127.0.0.1:9/v1"}
    made = CompatibleProvider(PRESETS["openrouter"]).create_model("openai/gpt-oss-120b", 0.5, "sk-1", **options)
    assert (made.profile.context_window, made.profile.context_window_source) == (None, "guess")


class Described(ToolStream):
    """A model whose author filled in fields of LangChain and of local classes."""

    num_ctx: Any = None
    n_ctx: Any = None
    base_url: str = ""


def described(options: dict[str, Any] | None = None, **fields: Any) -> tuple[object, ...]:
    plugin = Plugin(lambda *_args, **_kwargs: Described(plays=[], **fields))
    profile = wrap_llm(plugin, "m", None, None, options or {}).profile
    return profile.context_window, profile.context_window_source, profile.tools, profile.images


def test_langchains_profile_of_a_plug_ins_object_is_read() -> None:
    profile = {"max_input_tokens": 9000, "tool_calling": False, "image_inputs": True}
    assert described(profile=profile) == (9000, "catalogue", False, True)
    assert described({"context_window": 77}, profile=profile) == (77, "user", False, True)


def test_the_window_that_a_local_model_was_made_with_wins_over_its_profile() -> None:
    assert described(num_ctx=4096, profile={"max_input_tokens": 9000}) == (4096, "user", True, False)
    assert described(n_ctx=2048) == (2048, "user", True, False)
    assert described(num_ctx="4096", n_ctx=0) == (None, "guess", True, False)


def test_a_profile_with_nonsense_in_it_says_nothing() -> None:
    profile = {"max_input_tokens": "many", "tool_calling": "yes", "image_inputs": None}
    plugin = Plugin(lambda *_args, **_kwargs: Described.model_construct(plays=[], profile=profile))
    found = wrap_llm(plugin, "m", None, None, {}).profile
    assert (found.context_window, found.tools, found.images) == (None, True, False)


class Named(Plugin):
    @property
    def name(self) -> str:
        return "xai"


def test_a_plug_in_named_like_a_service_gets_what_is_listed_of_it() -> None:
    def create(*_args: object, **_kwargs: object) -> Described:
        return Described(plays=[], base_url="https://api.x.ai/v1")

    listed = find("xai", "grok-4.3")
    assert listed is not None
    profile = wrap_llm(Named(create), "grok-4.3", None, None, {}).profile
    assert (profile.context_window, profile.context_window_source) == (listed.context_window, "catalogue")


@pytest.mark.parametrize(("provider", "model"), HOSTED, ids=lambda value: getattr(value, "name", value))
def test_a_listed_price_holds_at_the_service_itself_and_in_its_usual_class(provider: BaseProvider, model: str) -> None:
    listed = find(provider.name, model)
    assert listed is not None
    assert listed.price is not None
    assert provider.create_model(model, 0.5, "sk-1").profile.price == listed.price
    assert wrap_llm(provider, model, 0.5, "sk-1", {}).profile.price in (listed.price, None)
    for options in ({"base_url": "https://gateway.example/v1"}, {"service_tier": "priority"}):
        assert provider.create_model(model, 0.5, "sk-1", **options).profile.price is None


def test_the_homes_of_prices_are_the_addresses_that_ally_calls() -> None:
    built_in = (OpenAIProvider(), AnthropicProvider(), GoogleProvider(), CerebrasProvider())
    called = {name: spec.base_url for name, spec in PRESETS.items()}
    called |= {provider.name: provider.base_url for provider in built_in}
    assert {name: f"https://{host}" for name, host in HOMES.items()} == {
        name: called[name][: called[name].index("/", 8)] if "/" in called[name][8:] else called[name] for name in HOMES
    }


def test_an_endpoint_by_the_name_of_a_service_has_no_price() -> None:
    endpoint = Endpoint(base_url="https://gateway.example/v1", default_model="gpt-4.1")
    made = CompatibleProvider(spec_from_endpoint("openai", endpoint)).create_model("gpt-4.1", 0.5, None).profile
    assert made.context_window is not None
    assert made.price is None
