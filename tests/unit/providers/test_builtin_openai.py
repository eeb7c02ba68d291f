import pytest

from ally.providers.builtin import anthropic, google
from ally.providers.builtin.openai import context_window_of, needs_responses, quirks_of, with_effort

PLAIN = ["gpt-4o", "gpt-4.1-mini", "gpt-3.5-turbo", "ft:gpt-4.1:acme::x", "gpt-5-chat-latest", "local-model"]
REASONING = ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5.1", "gpt-6-sol", "gpt-7", "ft:gpt-5:acme::x"]


@pytest.mark.parametrize("model", PLAIN)
def test_models_that_do_not_reason_get_a_temperature(model: str) -> None:
    assert quirks_of(model).temperature


@pytest.mark.parametrize("model", REASONING)
def test_models_that_reason_refuse_a_temperature(model: str) -> None:
    assert not quirks_of(model).temperature


@pytest.mark.parametrize("model", PLAIN + REASONING)
def test_every_model_takes_the_newer_name_of_the_token_limit(model: str) -> None:
    assert quirks_of(model).max_tokens_field == "max_completion_tokens"


@pytest.mark.parametrize("model", ["gpt-5.4", "gpt-5.6-terra", "gpt-6-sol", "gpt-6-luna"])
def test_reasoning_is_off_where_chat_completions_would_refuse_tools(model: str) -> None:
    assert not needs_responses(model, {})
    assert with_effort(model, {}) == {"reasoning_effort": "none"}


@pytest.mark.parametrize("model", ["gpt-4o", "o3", "gpt-5", "gpt-5.2", "gpt-5.6-chat-latest"])
def test_reasoning_of_other_models_is_left_alone(model: str) -> None:
    assert not needs_responses(model, {"reasoning_effort": "high"})
    assert with_effort(model, {}) == {}


@pytest.mark.parametrize("model", ["gpt-6-astra", "gpt-6.1-sol", "gpt-7", "gpt-5-pro", "o3-pro", "gpt-5.3-codex"])
def test_models_that_take_tools_only_over_the_responses_api_go_there(model: str) -> None:
    assert needs_responses(model, {})
    assert with_effort(model, {}) == {}


def test_a_wished_effort_goes_to_the_responses_api() -> None:
    wish = {"reasoning_effort": "high"}
    assert needs_responses("gpt-6-sol", wish)
    assert with_effort("gpt-6-sol", wish) == wish
    assert not needs_responses("gpt-6-sol", {"reasoning_effort": "none"})


def test_the_user_decides_if_a_gateway_has_no_responses_api() -> None:
    assert not needs_responses("gpt-6.1-sol", {"use_responses_api": False})
    assert needs_responses("gpt-4o", {"use_responses_api": True})


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("gpt-6-sol", 1_050_000),
        ("gpt-5.4-mini", 400_000),
        ("gpt-5", 400_000),
        ("gpt-4.1-nano", 1_047_576),
        ("o3", 200_000),
        ("gpt-4o-mini", 128_000),
        ("my-own", None),
    ],
)
def test_published_context_windows(model: str, tokens: int | None) -> None:
    assert context_window_of(model) == tokens


@pytest.mark.parametrize(
    ("model", "takes_temperature", "tokens"),
    [
        ("claude-3-5-haiku-20241022", True, 200_000),
        ("claude-sonnet-4-20250514", True, 200_000),
        ("claude-opus-4-5-20251101", True, 200_000),
        ("claude-haiku-4-5", True, 200_000),
        ("claude-opus-4-6", True, 1_000_000),
        ("claude-opus-4-7", False, 1_000_000),
        ("claude-sonnet-5", False, 1_000_000),
        ("claude-haiku-5-5", False, 1_000_000),
        ("claude-fable-5-1", False, 1_000_000),
    ],
)
def test_newer_claude_models_refuse_a_temperature(model: str, takes_temperature: bool, tokens: int) -> None:
    assert anthropic.quirks_of(model).temperature is takes_temperature
    assert anthropic.context_window_of(model) == tokens


@pytest.mark.parametrize(
    ("model", "takes_temperature"),
    [
        ("gemini-2.5-pro", True),
        ("models/gemini-3.1-pro-preview", True),
        ("gemini-3.5-flash-lite", True),
        ("gemini-3.6-flash", False),
        ("gemini-3.8-flash", False),
        ("gemini-4-pro", False),
        ("gemma-4-31b-it", True),
    ],
)
def test_newer_gemini_models_have_no_temperature(model: str, takes_temperature: bool) -> None:
    assert google.quirks_of(model).temperature is takes_temperature
