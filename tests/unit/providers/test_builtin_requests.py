import json
from collections.abc import Callable
from typing import Any

import pytest

from ally.config.settings import Endpoint
from ally.messages import user
from ally.providers.base import BaseProvider
from ally.providers.builtin.anthropic import AnthropicProvider
from ally.providers.builtin.cerebras import CerebrasProvider
from ally.providers.builtin.google import GoogleProvider
from ally.providers.builtin.ollama import OllamaProvider
from ally.providers.builtin.openai import OpenAIProvider
from ally.providers.builtin.replicate import ReplicateProvider
from ally.providers.compatible import CompatibleProvider, load_presets, spec_from_endpoint
from ally.providers.langchain import wrap_llm
from ally.providers.model import Model, Request, TextChunk, ToolSpec
from tests.fakes import KEY, FakeAnthropic, FakeGemini, FakeOllama, FakeOpenAI, FakeReplicate, Reply
from tests.fakes.base import Fake

CLOCK = ToolSpec("clock", "The time.", {"type": "object", "properties": {}})


async def ask(model: Model, tools: tuple[ToolSpec, ...] = ()) -> str:
    try:
        chunks = [chunk async for chunk in model.stream(Request([user("Hi")], tools=tools))]
    finally:
        await model.close()
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def preset(name: str) -> BaseProvider:
    return CompatibleProvider(load_presets()[name])


ROADS: list[tuple[Callable[[], BaseProvider], type[Fake], str, str]] = [
    (OpenAIProvider, FakeOpenAI, "gpt-4o", "/v1/chat/completions"),
    (CerebrasProvider, FakeOpenAI, "gpt-oss-120b", "/v1/chat/completions"),
    (lambda: preset("groq"), FakeOpenAI, "openai/gpt-oss-120b", "/v1/chat/completions"),
    (AnthropicProvider, FakeAnthropic, "claude-haiku-4-5", "/v1/messages"),
    (GoogleProvider, FakeGemini, "gemini-3.8-flash", "/v1beta/models/gemini-3.8-flash:streamGenerateContent"),
    (OllamaProvider, FakeOllama, "qwen3:8b", "/api/chat"),
    (ReplicateProvider, FakeReplicate, "meta/meta-llama-3-70b-instruct", ""),
]


@pytest.mark.parametrize(("make", "kind", "model", "path"), ROADS, ids=lambda value: getattr(value, "__name__", ""))
async def test_the_fast_road_reaches_the_address_of_the_options_with_the_key_and_headers(
    make: Callable[[], BaseProvider], kind: type[Fake], model: str, path: str
) -> None:
    with kind(models=[model]) as fake:
        fake.always(Reply("Hello"))
        options: dict[str, Any] = {"base_url": fake.base_url, "headers": {"X-Team": "lab"}, "context_window": 4321}
        key = None if kind is FakeOllama else KEY
        if kind is FakeOllama:
            fake.key = None
        made = make().create_model(model, 0.5, key, **options)
        assert made.profile.context_window == 4321
        assert made.profile.context_window_source == "user"
        assert await ask(made) == "Hello"
        call = next(call for call in fake.calls if call.method == "POST")
        assert call.headers["x-team"] == "lab"
        assert call.path == path or not path


@pytest.mark.parametrize(("make", "kind", "model", "path"), ROADS, ids=lambda value: getattr(value, "__name__", ""))
async def test_common_options_mean_the_same_on_the_guides_road(
    make: Callable[[], BaseProvider], kind: type[Fake], model: str, path: str
) -> None:
    with kind(models=[model]) as fake:
        fake.always(Reply("Hello"))
        options: dict[str, Any] = {"base_url": fake.base_url, "stream": False, "group_id": "7", "max_tokens": 4321}
        key = None if kind is FakeOllama else KEY
        if kind is FakeOllama:
            fake.key = None
        made = wrap_llm(make(), model, None, key, options)
        assert not made.profile.streaming or kind is FakeReplicate
        assert await ask(made) == "Hello"
        sent = json.dumps(next(call.json for call in fake.calls if call.method == "POST"))
        assert "4321" in sent
        assert "group_id" not in sent


async def test_an_address_in_the_environment_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, fake_openai: FakeOpenAI
) -> None:
    fake_openai.always(Reply("Hello"))
    with FakeOpenAI() as other:
        for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
            monkeypatch.setenv(name, other.base_url)
        provider = OpenAIProvider()
        assert await ask(provider.create_model("gpt-4o", 0.5, KEY, base_url=fake_openai.base_url)) == "Hello"
        llm = provider.create_llm("gpt-4o", 0.5, KEY)
        assert llm.openai_api_base == "https://api.openai.com/v1"
        assert other.calls == []


def test_the_openai_account_of_the_environment_is_told_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch, fake_openai: FakeOpenAI
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-mine")
    fake_openai.models = ("m",)
    for provider in (OpenAIProvider(), CerebrasProvider(), preset("mistral")):
        fake_openai.script(Reply("Hello"))
        llm = provider.create_llm("m", 0.5, KEY, base_url=fake_openai.base_url)
        assert llm.invoke("Hi").content == "Hello"
        assert not any("mine" in value for value in fake_openai.calls[-1].headers.values())
        assert "mine" not in str(llm.root_async_client.default_headers)
    llm.root_client.close()  # LangChain keeps one connection pool for each address


async def test_openai_models_that_reason_get_no_temperature_and_no_effort_beside_tools(
    fake_openai: FakeOpenAI,
) -> None:
    fake_openai.always(Reply("Hello"))
    model = OpenAIProvider().create_model("gpt-6-luna", 0.5, KEY, base_url=fake_openai.base_url, max_tokens=50)
    await ask(model, (CLOCK,))
    body = fake_openai.calls[-1].json
    assert "temperature" not in body
    assert "max_tokens" not in body
    assert (body["reasoning_effort"], body["max_completion_tokens"]) == ("none", 50)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mistral", {"max_tokens": 50}), ("cohere", {"max_tokens": 50}), ("xai", {"max_completion_tokens": 50})],
)
async def test_rows_ask_as_their_service_wants(name: str, expected: dict[str, int], fake_openai: FakeOpenAI) -> None:
    provider = preset(name)
    model = provider.get_default_model() or ""
    fake_openai.models = (model,)
    fake_openai.always(Reply("Hello"))
    await ask(provider.create_model(model, 0.5, KEY, base_url=fake_openai.base_url, max_tokens=50))
    body = fake_openai.calls[-1].json
    assert {field: body[field] for field in body if field.startswith("max_")} == expected
    assert ("stream_options" in body) is load_presets()[name].quirks.stream_usage


async def test_claude_of_today_gets_no_temperature_and_shows_its_thinking(fake_anthropic: FakeAnthropic) -> None:
    fake_anthropic.models = ("claude-sonnet-5-5", "claude-haiku-4-5")
    fake_anthropic.always(Reply("Hello"))
    for model, sent in (("claude-sonnet-5-5", False), ("claude-haiku-4-5", True)):
        await ask(AnthropicProvider().create_model(model, 0.5, KEY, base_url=fake_anthropic.url + "/v1"))
        body = fake_anthropic.calls[-1].json
        assert ("temperature" in body) is sent
        assert body.get("thinking") == (None if sent else {"type": "adaptive", "display": "summarized"})


async def test_ollama_options_reach_the_server(monkeypatch: pytest.MonkeyPatch, fake_ollama: FakeOllama) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake_ollama.url)
    fake_ollama.models = ("qwen3:8b",)
    fake_ollama.always(Reply("Hello"))
    made = OllamaProvider().create_model("qwen3:8b", 0, None, num_ctx=8192, keep_alive="10m", think=False)
    assert await ask(made) == "Hello"
    body = next(call.json for call in reversed(fake_ollama.calls) if call.path == "/api/chat")
    assert body["options"]["num_ctx"] == 8192
    assert body["options"]["temperature"] == 0
    assert (body["keep_alive"], body["think"]) == ("10m", False)


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
async def test_an_endpoint_without_a_key_sends_none(protocol: Any) -> None:
    kind = FakeOpenAI if protocol == "openai" else FakeAnthropic
    with kind(key=None, models=["m"]) as fake:
        fake.always(Reply("Hello"))
        endpoint = Endpoint(compatible=protocol, base_url=fake.base_url, headers={"X-Team": "lab"}, context_window=999)
        made = CompatibleProvider(spec_from_endpoint("lab", endpoint)).create_model("m", 0.5, "another provider's key")
        assert (made.profile.context_window, made.profile.context_window_source) == (999, "user")
        assert await ask(made) == "Hello"
        headers = fake.calls[-1].headers
        assert headers["x-team"] == "lab"
        assert "authorization" not in headers
        assert "x-api-key" not in headers


async def test_minimax_style_thinking_goes_back_to_services_that_want_it(fake_openai: FakeOpenAI) -> None:
    quirks = {name: spec.quirks.replay_thinking for name, spec in load_presets().items()}
    assert quirks.pop("deepseek") == "reasoning_content"
    assert set(quirks.values()) == {"none"}


def test_a_completion_llm_for_replicate(fake_replicate: FakeReplicate) -> None:
    model = "meta/meta-llama-3-70b-instruct"
    fake_replicate.models = (model,)
    fake_replicate.always(Reply("Grüße, 世界"))
    llm = ReplicateProvider().create_llm(model, 0.5, KEY, base_url=fake_replicate.base_url)
    assert llm.invoke("Hi") == "Grüße, 世界"
    assert "".join(llm.stream("Hi")) == "Grüße, 世界"
    with pytest.raises(ValueError, match="no stop sequences"):
        llm.invoke("Hi", stop=["x"])
