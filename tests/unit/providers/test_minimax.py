import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from ally.messages import AssistantMessage, Thinking, ToolCall, ToolMessage, ToolResult, user
from ally.providers.base import BaseProvider, takes_fast_road
from ally.providers.model import Request, TextChunk, ThinkingChunk, ToolSpec
from tests.fakes import KEY, FakeMiniMax, Reply

FILE = Path(__file__).parents[3] / "app/src/providers/custom/minimax.py"
GROUP_ID = "1234567890123456789"
CONFIG = {"model_name": "minimax-m2", "api_key": "k", "temperature": 0.7}


@pytest.fixture(scope="module")
def plugin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("minimax_under_test", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def provider(plugin: ModuleType) -> BaseProvider:
    return plugin.MiniMaxProvider()


def test_what_the_guide_says_of_it(provider: BaseProvider) -> None:
    assert provider.name == "minimax"
    assert provider.get_display_name() == "MiniMax M2"
    assert provider.get_required_env_vars() == ["MINIMAX_API_KEY", "MINIMAX_GROUP_ID"]
    assert provider.get_default_model() == "minimax-m2"
    assert "minimax-m2" in provider.get_available_models()
    assert takes_fast_road(type(provider))


def test_complete_credentials_are_valid(provider: BaseProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider.validate_config({**CONFIG, "group_id": GROUP_ID}) == (True, None)
    monkeypatch.setenv("MINIMAX_GROUP_ID", GROUP_ID)
    assert provider.validate_config(CONFIG) == (True, None)


@pytest.mark.parametrize("wrong", ["123", GROUP_ID + "0", "123456789012345678x", "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩"])
def test_a_group_id_that_is_no_19_digit_number_is_named(
    provider: BaseProvider, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("MINIMAX_GROUP_ID", wrong)
    assert provider.validate_config(CONFIG) == (False, f"MINIMAX_GROUP_ID should be a 19-digit number, got: {wrong}")


def test_what_is_missing_is_named(provider: BaseProvider) -> None:
    assert provider.validate_config({}) == (False, "model_name is required for MiniMax provider")
    assert provider.validate_config({"model_name": "m"}) == (
        False,
        "MINIMAX_API_KEY environment variable must be set",
    )
    assert provider.validate_config(CONFIG) == (False, "MINIMAX_GROUP_ID environment variable must be set")


def test_both_roads_need_the_key_and_the_group_id(provider: BaseProvider) -> None:
    for make in (provider.create_llm, provider.create_model):
        with pytest.raises(ValueError, match=r"^MINIMAX_API_KEY environment variable is required"):
            make("minimax-m2", 0.7, None, group_id=GROUP_ID)
        with pytest.raises(ValueError, match=r"^MINIMAX_GROUP_ID environment variable is required"):
            make("minimax-m2", 0.7, "k")


@pytest.mark.parametrize(
    ("configured", "sent"),
    [
        ("minimax-m2", "MiniMax-M2"),
        ("MiniMax-M2", "MiniMax-M2"),
        ("MINIMAX-M2.7-HIGHSPEED", "MiniMax-M2.7-highspeed"),
        ("minimax-m3", "MiniMax-M3"),
        ("MiniMax-M9-preview", "MiniMax-M9-preview"),
    ],
)
def test_the_service_gets_its_own_spelling_of_the_model(plugin: ModuleType, configured: str, sent: str) -> None:
    assert plugin.service_name(configured) == sent


@pytest.mark.parametrize(("wished", "sent"), [(None, None), (0, 0.01), (0.7, 0.7), (1, 1), (1.5, 1)])
def test_the_temperature_stays_where_the_service_takes_it(
    plugin: ModuleType, wished: float | None, sent: float | None
) -> None:
    assert plugin.allowed_temperature(wished) == sent


async def test_thinking_goes_back_to_the_service_while_tools_run(
    provider: BaseProvider, fake_minimax: FakeMiniMax
) -> None:
    fake_minimax.script(Reply("", thinking="Let me look.", tool_calls=[("clock", {"zone": "UTC"})]), Reply("Noon."))
    options = {"base_url": fake_minimax.base_url, "group_id": GROUP_ID}
    model = provider.create_model("minimax-m2", 0, KEY, **options)
    clock = ToolSpec("clock", "The time.", {"type": "object", "properties": {"zone": {"type": "string"}}})
    first = [chunk async for chunk in model.stream(Request([user("Time?")], tools=[clock]))]
    call = next(chunk for chunk in first if isinstance(chunk, ToolCall))
    thought = "".join(chunk.text for chunk in first if isinstance(chunk, ThinkingChunk))
    assert thought.strip() == "Let me look."
    said = AssistantMessage((Thinking(thought), call))
    history = [user("Time?"), said, ToolMessage((ToolResult(call.id, "12:00"),))]
    second = [chunk async for chunk in model.stream(Request(history, tools=[clock]))]
    await model.close()
    assert "".join(chunk.text for chunk in second if isinstance(chunk, TextChunk)) == "Noon."
    body = fake_minimax.calls[-1].json
    assert body["model"] == "MiniMax-M2"
    assert body["temperature"] == 0.01
    assert "<think>" in body["messages"][1]["content"]
    assert "group_id" not in body
