from typing import Any

import pytest

from ally.errors import ConfigError
from ally.providers.wire.options import build_target
from ally.providers.wire.target import Quirks, Target

BASE = "https://api.acme.example/v1/"


def build(**options: Any) -> Target:
    return build_target("acme", "m", BASE, options=options)


def test_options_of_ally_are_taken_and_the_rest_goes_to_the_service() -> None:
    target = build_target(
        "acme",
        "m",
        BASE,
        temperature=0,
        api_key=" sk-1\n",
        headers={"A": "1", "B": "2"},
        quirks=Quirks(tools=False),
        context_window=8000,
        options={
            "headers": {"B": "3"},
            "idle_timeout_s": 5,
            "connect_timeout_s": 2.5,
            "group_id": "123",
            "max_tokens": 100,
            "top_p": 0.5,
            "seed": None,
        },
    )
    assert target.base_url == "https://api.acme.example/v1"
    assert (target.temperature, target.api_key, target.context_window) == (0, "sk-1", 8000)
    assert (target.idle_timeout_s, target.connect_timeout_s) == (5.0, 2.5)
    assert target.headers == {"A": "1", "B": "3"}
    assert target.options == {"max_tokens": 100, "top_p": 0.5}
    assert target.streaming
    assert "sk-1" not in repr(target)


def test_an_address_of_the_user_wins() -> None:
    assert build(base_url="http://127.0.0.1:8000/v1/").base_url == "http://127.0.0.1:8000/v1"
    assert build(endpoint="http://gpu/v2").base_url == "http://gpu/v2"


def test_a_context_window_of_the_user_wins() -> None:
    target = build_target("acme", "m", BASE, context_window=1, options={"context_window": 4096})
    assert (target.context_window, target.context_window_source) == (4096, "user")


@pytest.mark.parametrize("options", [{"stream": False}, {"streaming": False}, {"disable_streaming": True}])
def test_streaming_can_be_switched_off(options: dict[str, Any]) -> None:
    target = build(**options)
    assert not target.streaming
    assert target.options == {}


def test_a_temperature_among_the_options_fills_in_for_a_missing_one() -> None:
    assert build(temperature=0.2).temperature == 0.2
    assert build_target("acme", "m", BASE, temperature=0, options={"temperature": 0.2}).temperature == 0
    assert build().temperature is None


def test_timeout_is_the_longest_silence() -> None:
    assert build(timeout=7).idle_timeout_s == 7
    assert build(timeout=7, idle_timeout_s=9).idle_timeout_s == 9


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("base_url", "api.acme.example"),
        ("base_url", "ftp://acme.example"),
        ("base_url", "http://"),
        ("base_url", "http://a b/"),
        ("base_url", "http://[::1"),
        ("base_url", 7),
        ("idle_timeout_s", "soon"),
        ("idle_timeout_s", 0),
        ("idle_timeout_s", True),
        ("connect_timeout_s", -1),
        ("context_window", "8k"),
        ("context_window", 0),
        ("headers", ["A"]),
        ("headers", {"A": 1}),
        ("temperature", "hot"),
    ],
)
def test_a_wrong_option_is_named(option: str, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        build(**{option: value})
    assert caught.value.key == f"provider_options.acme.{option}"
    assert option in caught.value.message
