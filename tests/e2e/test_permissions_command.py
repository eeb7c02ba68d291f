"""`ally permissions` as it is typed."""

import json
from pathlib import Path

import pytest

from ally.permissions.memory import Answers
from ally.permissions.trust import Trust
from tests.conftest import RunAlly


@pytest.fixture
def project(home: Path) -> Path:
    folder = home / "project"
    (folder / ".ally").mkdir(parents=True)
    (folder / ".env").write_text("KEY=1")
    return folder.resolve()


def configure(home: Path, permissions: object) -> Path:
    file = home / ".config/ally/config.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"permissions": permissions}))
    return file


@pytest.mark.parametrize(
    ("call", "decision", "rule"),
    [
        ("read(a.py)", "allow", "inside the folder"),
        ("read(.env)", "ask", "secret"),
        ("read(~/.ssh/id_rsa)", "ask", "secret"),
        ("edit(src/a.py)", "ask", "ask mode"),
        ("edit(.git/hooks/x)", "ask", "protected"),
        ("edit(../x)", "ask", "outside the folder"),
        ("edit(~/.config/ally/config.json)", "deny", "Ally's own files"),
        ("shell(rm -rf ~)", "deny", "destructive"),
        ("shell(python -c 'print(1)')", "ask", "shell command"),
        ("list", "allow", "inside the folder"),
        ("todo", "allow", "no effects"),
        ("mcp_thing(x)", "ask", "asks by default"),
    ],
)
def test_a_call_is_decided_as_in_a_conversation(run_ally: RunAlly, project: Path, call: str, decision: str, rule: str):
    done = run_ally("permissions", "test", call, "--json", cwd=project, env={"ALLY_SANDBOX": "C"})
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["decision"], found["rule"]) == (decision, rule)
    assert set(found) == {"decision", "rule", "reason", "scopes", "remember", "sandbox"}
    assert found["reason"]
    assert found["sandbox"] == ("C" if call.startswith("shell") else None)


def test_the_rule_that_decides_is_shown_with_its_file(run_ally: RunAlly, project: Path, home: Path):
    file = configure(home, {"deny": ["shell(curl *)"], "mode": "bypass"})
    done = run_ally("permissions", "test", "shell(x=1 curl http://x)", cwd=project)
    assert done.returncode == 0
    assert done.stdout.startswith("deny: shell(x=1 curl http://x)\n")
    assert f"deny shell(curl *) ({file})" in done.stdout


@pytest.mark.parametrize("call", ["", "read(", "bash(ls)", "edit", "shell", "shell()", "*", "read(a) b"])
def test_what_is_no_call_is_a_usage_error(run_ally: RunAlly, project: Path, call: str):
    done = run_ally("permissions", "test", call, cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "→" in done.stderr


def test_list_shows_mode_rules_and_answers_with_their_origin(run_ally: RunAlly, project: Path, home: Path):
    file = configure(home, {"allow": ["shell(make)"], "deny": ["read(.env)"]})
    answers = Answers(home / ".local/state/ally/permissions.json", project, print)
    answers.remember(["edit(src/**)"], "project")
    answers.remember(["shell(pytest *)"], "always")
    done = run_ally("permissions", "--json", cwd=project, env={"ALLY_PERMISSION_MODE": "plan"})
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "mode": {"value": "plan", "origin": "ALLY_PERMISSION_MODE"},
        "rules": [
            {"effect": "allow", "rule": "shell(make)", "origin": str(file)},
            {"effect": "deny", "rule": "read(.env)", "origin": str(file)},
        ],
        "answers": [
            {"scope": "project", "project": str(project), "rule": "edit(src/**)"},
            {"scope": "always", "project": None, "rule": "shell(pytest *)"},
        ],
    }
    plain = run_ally("permissions", cwd=project).stdout
    for text in ("mode ask: ", "shell(make)", "edit(src/**)", f"answer for {project}", "answer for everywhere"):
        assert text in plain


def test_folder_is_believed_only_when_trusted(run_ally: RunAlly, project: Path, home: Path):
    local = {"permissions": {"deny": ["read(a.py)"], "allow": ["shell"], "mode": "bypass"}, "provider": "evil"}
    (project / ".ally/config.json").write_text(json.dumps(local))
    before = run_ally("permissions", "test", "read(a.py)", "--json", cwd=project)
    assert (json.loads(before.stdout)["decision"], before.stderr) == ("allow", "")
    Trust(home / ".local/state/ally/trust.json", home).trust(project)
    after = run_ally("permissions", "test", "read(a.py)", "--json", cwd=project)
    assert json.loads(after.stdout)["decision"] == "deny"
    assert json.loads(after.stdout)["rule"] == f"deny read(a.py) ({project}/.ally/config.json)"
    for key in ("permissions.allow", "permissions.mode", "provider"):
        assert f"{key} is left out" in after.stderr


def test_broken_answers_are_set_aside_and_nothing_is_allowed(run_ally: RunAlly, project: Path, home: Path):
    file = home / ".local/state/ally/permissions.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 1, "always": ["edit"')
    done = run_ally("permissions", "test", "edit(a.py)", "--json", cwd=project)
    assert json.loads(done.stdout)["decision"] == "ask"
    assert "set aside" in done.stderr
    assert file.with_name("permissions.json.broken").exists()
