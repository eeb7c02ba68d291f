"""The list of hosted models: what is found in it, under which names, and how a newer one comes."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ally.config.paths import find_paths
from ally.errors import BadReply, ConfigError, Unreachable
from ally.models.hosted import SHIPPED, HostedModel, Row, current, decode, fetched_file, find
from ally.models.hosted_reduce import NotTheList, encode, reduce
from ally.models.hosted_update import update
from ally.providers.presets import load_presets
from tests.conftest import RunAlly
from tests.unit.egress.servers import BytesServer

LIMIT_BYTES = 150_000


def model(context: object = 8192, output: object = 1024, **more: object) -> dict[str, object]:
    row: dict[str, object] = {
        "limit": {"context": context, "output": output},
        "modalities": {"input": ["text"], "output": ["text"]},
        "tool_call": True,
        "reasoning": False,
    }
    return row | more


def api(**more: object) -> dict[str, Any]:
    """A whole list, large enough to be taken for one; `more` are models of OpenAI."""
    names = ("ai21", "anthropic", "cerebras", "cohere", "deepseek", "google", "unknown-service")
    services: dict[str, Any] = {
        name: {"id": name, "models": {f"{name}-{number}": model() for number in range(20)}} for name in names
    }
    services["openai"] = {"models": more}
    return services


def row(**fields: object) -> Row | None:
    """The row that one model of OpenAI becomes."""
    found = reduce(json.dumps(api(made=model(**fields))).encode(), as_of="2026-01-01", source="test")
    return found.providers.get("openai", {}).get("made")


def serve(body: bytes, status: str = "200 OK") -> BytesServer:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return BytesServer(head.encode() + body)


def test_the_shipped_list_is_small_dated_and_covers_most_of_what_ally_offers(home: Path) -> None:
    shipped = decode(SHIPPED.read_bytes())
    assert SHIPPED.stat().st_size < LIMIT_BYTES
    assert (shipped.as_of, shipped.licence[:3]) > ("2026-01-01", "")
    offered = [(spec.name, name) for spec in load_presets().values() if not spec.ended for name in spec.models]
    listed = [pair for pair in offered if find(*pair)]
    assert len(listed) > 0.8 * len(offered)
    assert encode(shipped) == SHIPPED.read_bytes()


@pytest.mark.parametrize(
    ("provider", "name", "listed"),
    [
        ("anthropic", "claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("anthropic", "claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("Anthropic", "Claude-Opus-4.5", "claude-opus-4-5"),
        ("anthropic", "anthropic/claude-opus-4.5", "claude-opus-4-5"),
        ("openai", "ft:gpt-4.1:acme::abc123", "gpt-4.1"),
        ("openai", "gpt-4.1-2099-01-01", "gpt-4.1"),
        ("google", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("groq", "gpt-oss-120b", "openai/gpt-oss-120b"),
        ("openrouter", "openai/gpt-oss-120b:nitro", "openai/gpt-oss-120b"),
        ("fireworks", "gpt-oss-120b", "accounts/fireworks/models/gpt-oss-120b"),
    ],
)
def test_a_name_is_found_in_other_spellings(provider: str, name: str, listed: str, home: Path) -> None:
    found = find(provider, name)
    assert found is not None
    assert found == replace(find(provider, listed), price=found.price)


@pytest.mark.parametrize("pair", [("openai", "gpt-99"), ("acme", "gpt-4.1"), ("openai", ""), ("openai", "🦊:x/y")])
def test_what_is_not_listed_is_not_guessed(pair: tuple[str, str], home: Path) -> None:
    assert find(*pair) is None


def test_a_name_that_fits_models_of_different_abilities_fits_none(home: Path) -> None:
    models = {"a/twin": model(8192), "b/twin": model(4096), "c/same": model(), "d/same": model()}
    keep(api(**models), home)
    assert find("openai", "twin") is None
    assert find("openai", "same") == HostedModel(8192, 1024, tools=True, images=False, thinking=False, structured=False)


def keep(services: dict[str, Any], home: Path, as_of: str = "2999-01-01") -> None:
    found = reduce(json.dumps(services).encode(), as_of=as_of, source="test")
    file = fetched_file(find_paths(os.environ))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encode(found))


def test_the_newer_list_counts(home: Path) -> None:
    keep(api(only=model()), home, as_of="2000-01-01")
    assert find("openai", "only") is None
    keep(api(only=model()), home)
    assert find("openai", "only") is not None
    assert current().as_of == "2999-01-01"


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"[]", b'{"as_of": 3}', b'{"as_of": "2999-01-01"'])
def test_a_damaged_list_is_left_aside(damage: bytes, home: Path) -> None:
    file = fetched_file(find_paths(os.environ))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(damage)
    assert current() == decode(SHIPPED.read_bytes())


def test_what_a_prompt_may_have_is_the_services_own_limit_for_it() -> None:
    limit = {"context": 400_000, "input": 272_000, "output": 128_000}
    assert row(limit=limit) == Row(272_000, 128_000, "t")
    assert row(modalities={"input": ["text", "image"], "output": ["text"]}, reasoning=True) == Row(8192, 1024, "tir")
    assert row(structured_output=True, tool_call=False) == Row(8192, 1024, "s")


COST = {"input": 1.25, "output": 10}
LONG = {"input": 2.5, "output": 15, "cache_read": 0.25, "tier": {"type": "context", "size": 200_000}}


@pytest.mark.parametrize(
    ("cost", "price", "longer"),
    [
        (COST, (1.25, 10), ()),
        (COST | {"cache_read": 0.125}, (1.25, 10, 0.125), ()),
        (COST | {"cache_read": 0.125, "cache_write": 1.5}, (1.25, 10, 0.125, 1.5), ()),
        (COST | {"cache_write": 1.5}, (1.25, 10, 1.25, 1.5), ()),
        (COST | {"cache_read": 0, "reasoning": 10}, (1.25, 10), ()),
        (COST | {"tiers": [LONG]}, (1.25, 10), ((200_000, 2.5, 15, 0.25),)),
        (COST | {"reasoning": 20}, (), ()),
        (COST | {"tiers": [LONG, LONG]}, (), ()),
        (COST | {"tiers": [LONG | {"tier": {"type": "hour", "size": 3}}]}, (), ()),
        ({"input": 0, "output": 0}, (), ()),
        ({"input": -1, "output": 2}, (), ()),
        ({"input": "1", "output": 2}, (), ()),
        ({"input": 1e300, "output": 2}, (), ()),
        ({"input": 1}, (), ()),
        ([], (), ()),
    ],
)
def test_a_price_is_kept_whole_or_not_at_all(cost: object, price: tuple[float, ...], longer: tuple[Any, ...]) -> None:
    kept = row(cost=cost)
    assert kept == Row(8192, 1024, "t", price, longer)
    found = reduce(json.dumps(api(made=model(cost=cost))).encode(), as_of="2026-01-01", source="test")
    assert decode(encode(found)) == found


def test_a_price_is_that_of_the_very_model_on_the_day_of_the_list(home: Path) -> None:
    twins = {"a/twin": model(cost=COST), "b/twin": model(cost=COST | {"output": 9}), "b/free:free": model()}
    none = model(cost={"input": 0, "output": 0})
    keep(api(**twins, **{"b/gift:free": none, "longer": model(cost=COST | {"tiers": [LONG]})}), home)
    assert [find("openai", name).price for name in ("twin", "a/twin:nitro", "ft:longer:me::1", "b/free:free")] == [
        None
    ] * 4
    assert find("openai", "B/Gift:free").price.cost(1_000_000, 1_000_000) == 0
    price = find("openai", "longer").price
    assert price.as_of == "2999-01-01"
    assert price.cost(1000, 100) == pytest.approx((1000 * 1.25 + 100 * 10) / 1e6)
    assert price.cost(200_000, 0) == pytest.approx(0.25)
    assert price.cost(300_000, 100, cached=100_000, written=50_000) == pytest.approx(
        (100_000 * 0.25 + 200_000 * 2.5 + 100 * 15) / 1e6
    )


def test_a_list_of_an_earlier_ally_or_with_a_strange_price_still_tells_the_rest(home: Path) -> None:
    keep(api(), home)
    file = fetched_file(find_paths(os.environ))
    rows = msgspec.json.decode(file.read_bytes())
    rows["providers"]["openai"] = {
        "old": [8192, 0, "t"],
        "odd": [8192, 0, "t", [1]],
        "long": [8192, 0, "t", [1, 2, 3, 4, 5]],
    }
    file.write_bytes(msgspec.json.encode(rows))
    for name in ("old", "odd", "long"):
        found = find("openai", name)
        assert found is not None
        assert (found.context_window, found.price) == (8192, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"context": 0},
        {"context": -5},
        {"context": "8192"},
        {"context": 1e300},
        {"limit": None},
        {"limit": []},
        {"tool_call": "yes"},
        {"modalities": {"input": ["text"], "output": ["image"]}},
    ],
)
def test_a_model_that_is_described_strangely_is_left_out(fields: dict[str, Any]) -> None:
    assert row(**fields) is None


@pytest.mark.parametrize("data", [b"", b"null", b"[1]", b"{}", b'{"openai": {"models": {}}}', b"[" * 100_000, b"\xff"])
def test_something_else_is_not_the_list(data: bytes) -> None:
    with pytest.raises(NotTheList):
        reduce(data, as_of="2026-01-01", source="test")


def test_update_takes_the_list_and_sends_nothing_about_this_machine() -> None:
    with serve(json.dumps(api(only=model(cost={"input": 1, "output": 2}))).encode()) as server:
        found = update(find_paths(os.environ), f"{server.url}/api.json")
    assert found.providers["openai"] == {"only": Row(8192, 1024, "t", (1, 2))}
    assert find("openai", "only") is not None
    request = server.requests[0].decode().lower()
    names = {line.partition(":")[0] for line in request.split("\r\n")[1:] if line}
    assert request.startswith("get /api.json http/1.1\r\n")
    assert names <= {"host", "accept", "accept-encoding", "connection", "user-agent"}


@pytest.mark.parametrize(
    ("body", "status"), [(b"{}", "200 OK"), (b"<html>", "200 OK"), (b"", "302 Found"), (b"no", "500 Oops")]
)
def test_an_answer_that_is_not_the_list_replaces_nothing(body: bytes, status: str, home: Path) -> None:
    keep(api(only=model()), home)
    with serve(body, status) as server, pytest.raises(BadReply) as caught:
        update(find_paths(os.environ), server.url)
    assert caught.value.hint
    assert find("openai", "only") is not None


def test_a_server_that_does_not_run(home: Path, closed_port: int) -> None:
    with pytest.raises(Unreachable):
        update(find_paths(os.environ), f"http://127.0.0.1:{closed_port}/api.json")


def test_a_file_is_taken_too(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "api.json"
    with pytest.raises(ConfigError):
        update(find_paths(os.environ), str(file))
    file.write_text("[]")
    with pytest.raises(ConfigError):
        update(find_paths(os.environ), str(file))
    file.write_text(json.dumps(api()))
    assert update(find_paths(os.environ), str(file)).source == str(file)
    assert msgspec.json.decode(fetched_file(find_paths(os.environ)).read_bytes())["source"] == str(file)


def test_the_command_says_what_it_sends_and_offline_sends_nothing(run_ally: RunAlly, tmp_path: Path) -> None:
    body = json.dumps(api()).encode()
    with serve(body) as server:
        done = run_ally("models", "update", "--from", f"{server.url}/api.json", "--json")
        assert "Nothing is sent but the request" in done.stderr
        assert json.loads(done.stdout)["models"] == 120
        assert len(server.requests) == 1
    refused = run_ally("models", "update", "--offline")
    assert (refused.returncode, refused.stdout) == (5, "")
    assert "models.dev" in refused.stderr
    old = tmp_path / "old.json"
    old.write_bytes(body)
    os.utime(old, (0, 0))
    assert "stays in use" in run_ally("models", "update", "--from", str(old)).stderr
