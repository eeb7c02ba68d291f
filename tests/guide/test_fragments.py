"""The guide's fragments, completed to files around their unchanged text, and used with the real command."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RunAlly
from tests.fakes import KEY, FakeOpenAI
from tests.guide.samples import PACKAGES, best_practice, custom_kwargs, drop, multi_credential, own_features, under


@pytest.fixture
def fake() -> FakeOpenAI:
    server = FakeOpenAI(models=["m-1", "model-large", "model-v1"])
    server.lenient = True
    return server


@pytest.fixture
def packages(checkout: Path, ally_environment: Callable[[Path], dict[str, str]]) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join([ally_environment(checkout)["PYTHONPATH"], str(PACKAGES)])}


def configure(checkout: Path, name: str, model: str = "m-1", **options: object) -> None:
    config = {"provider": name, "model": model, "provider_options": {name: options}}
    (checkout / "config.json").write_text(json.dumps(config), encoding="utf-8")


def test_the_fragments_are_the_guides_own_text() -> None:
    assert 'kwargs.pop("max_tokens", 4096)' in custom_kwargs()
    assert under("Custom kwargs Handling") in custom_kwargs()
    assert under("Multi-Credential Providers") in multi_credential()
    assert under("Provider-Specific Features") in own_features()
    for heading in ("1. Error Handling", "2. Validation", "3. Documentation", "4. Model Lists"):
        assert under(heading) in best_practice()


def test_custom_kwargs_come_from_the_provider_options(checkout: Path, run_ally: RunAlly, fake: FakeOpenAI) -> None:
    drop(checkout, "special.py", custom_kwargs())
    configure(checkout, "special", endpoint=fake.base_url, seed=7)
    with fake:
        done = run_ally("-p", "hi", env={"SPECIAL_API_KEY": KEY})
    assert (done.stdout.strip(), done.returncode) == ("You said: hi", 0), done.stderr
    sent = fake.calls[0].json
    assert sent["seed"] == 7
    assert 4096 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))
    assert "endpoint" not in sent


def test_a_second_credential_comes_by_option_or_variable_and_is_named_where_it_is_missing(
    checkout: Path, run_ally: RunAlly, fake: FakeOpenAI
) -> None:
    drop(checkout, "grouped.py", multi_credential())
    configure(checkout, "grouped")
    env = {"GROUPED_API_KEY": KEY, "PROVIDER_URL": fake.base_url}
    with fake:
        missing = run_ally("-p", "hi", env=env)
        assert missing.returncode == 4
        assert "PROVIDER_GROUP_ID required" in missing.stderr
        assert fake.requests == []
        by_variable = run_ally("-p", "hi", env={**env, "PROVIDER_GROUP_ID": "group-1"})
        configure(checkout, "grouped", group_id="group-2")
        by_option = run_ally("-p", "hi", env=env)
    for done in (by_variable, by_option):
        assert (done.stdout.strip(), done.returncode) == ("You said: hi", 0), done.stderr
    assert [call.headers["x-group-id"] for call in fake.calls] == ["group-1", "group-2"]


def test_features_of_its_own(checkout: Path, run_ally: RunAlly, fake: FakeOpenAI) -> None:
    drop(checkout, "whole.py", own_features())
    configure(checkout, "whole", "model-large")
    with fake:
        env = {"WHOLE_API_KEY": KEY, "PROVIDER_URL": fake.base_url}
        done = run_ally("-p", "hi", env=env)
        check = run_ally("providers", "check", "whole", "--model", "model-large", "--json", env=env)
    assert (done.stdout.strip(), done.returncode) == ("You said: hi", 0), done.stderr
    assert not any(call.json.get("stream") for call in fake.calls)
    rows = {row["name"]: row for row in json.loads(check.stdout)}
    assert rows["stream"]["verdict"] == "not supported"
    assert {rows[name]["verdict"] for name in ("invoke", "tool call", "tool result", "wrong key")} == {"pass"}
    listed = json.loads(run_ally("providers", "list", "--json").stdout)
    assert next(row for row in listed if row["name"] == "whole")["supports_streaming"] is False


def test_best_practice(checkout: Path, run_ally: RunAlly, packages: dict[str, str], fake: FakeOpenAI) -> None:
    drop(checkout, "best_practice.py", best_practice())
    configure(checkout, "provider_name", custom_field="good")
    env = {**packages, "XYZ_API_KEY": KEY, "XYZ_URL": fake.base_url}
    with fake:
        done = run_ally("-p", "hi", env=env)
        configure(checkout, "provider_name", custom_field="bad")
        warned = run_ally("-p", "hi", env=env)
    assert (done.stdout.strip(), done.returncode) == ("You said: hi", 0), done.stderr
    assert "validation warning" not in done.stderr
    assert "Provider validation warning: Invalid custom_field value" in warned.stderr
    assert warned.stdout.strip() == "You said: hi"
    shown = run_ally("providers", "show", "provider_name").stdout
    assert "model-v1, model-v2-beta, model-code" in shown


def test_best_practice_without_its_package_and_without_its_key(
    checkout: Path, run_ally: RunAlly, packages: dict[str, str]
) -> None:
    drop(checkout, "best_practice.py", best_practice())
    configure(checkout, "provider_name")
    done = run_ally("-p", "hi", env={"XYZ_API_KEY": KEY})
    assert done.returncode != 0
    assert "-m pip install langchain-xyz" in done.stderr
    done = run_ally("-p", "hi", env=packages)
    assert done.returncode == 4
    assert "Provider validation warning: XYZ_API_KEY must be set" in done.stderr
    assert "XYZ_API_KEY environment variable required" in done.stderr
