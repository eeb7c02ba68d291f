"""`ally agents`."""

import json
from pathlib import Path

import pytest

from tests.conftest import RunAlly

FIELDS = ["name", "description", "origin", "provider", "model", "temperature", "tools", "system_prompt", "sources"]


@pytest.fixture
def settings(home: Path) -> Path:
    folder = home / ".config" / "ally"
    folder.mkdir(parents=True)
    file = folder / "config.json"
    values = {
        "provider": "openai",
        "model": "gpt-5",
        "provider_per_model": {"code_gen": "ollama"},
        "models": {"code_gen": "qwen3:\u001b[31m8b"},
        "temperatures": {"general": 0},
        "system_prompts": {"brainstormer": "Dream \u001b]0;x\u0007big [bold]."},
    }
    file.write_text(json.dumps(values), "utf-8")
    return file


def test_list_as_json_says_what_each_runs_on_and_who_said_so(run_ally: RunAlly, settings: Path):
    done = run_ally("agents", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert list(rows) == ["general", "code_gen", "brainstormer", "web_searcher"]
    assert all(list(row) == FIELDS for row in rows.values())
    general, coder = rows["general"], rows["code_gen"]
    assert (general["provider"], general["model"], general["temperature"]) == ("openai", "gpt-5", 0)
    assert general["sources"]["provider"] == f"provider in {settings}"
    assert general["sources"]["temperature"] == f"temperatures.general in {settings}"
    assert general["sources"]["system_prompt"] == "built-in"
    assert (coder["provider"], coder["sources"]["model"]) == ("ollama", f"models.code_gen in {settings}")
    assert "write" in coder["tools"]
    assert "write" not in rows["web_searcher"]["tools"]


def test_list_and_show_for_people_hold_nothing_a_terminal_obeys(run_ally: RunAlly, settings: Path):
    listed, shown = run_ally("agents"), run_ally("agents", "show", "brainstormer")
    assert "NAME" in listed.stdout.splitlines()[0]
    assert "ollama" in listed.stdout
    assert "Dream ]0;xbig [bold]." in shown.stdout
    assert not any(char in listed.stdout + shown.stdout for char in "\x1b\x07")


def test_an_agent_without_a_model_shows_its_providers_default_or_that_it_is_chosen_later(run_ally: RunAlly):
    row = json.loads(run_ally("agents", "show", "general", "--json").stdout)
    assert (row["provider"], row["model"]) == (None, None)
    row = json.loads(run_ally("agents", "show", "general", "--json", env={"ALLY_PROVIDER": "openai"}).stdout)
    assert row["sources"]["provider"] == "provider in ALLY_PROVIDER"
    assert row["sources"]["model"] == "default of openai"
    assert row["model"]


def test_an_unknown_agent_is_a_mistake_that_names_the_others(run_ally: RunAlly):
    done = run_ally("agents", "show", "nobody")
    assert done.returncode == 2
    assert "Unknown agent: nobody." in done.stderr
    assert "brainstormer" in done.stderr
