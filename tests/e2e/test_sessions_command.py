"""`ally sessions` as a user types it."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.messages import AssistantMessage, Text, ToolCall, ToolMessage, ToolResult, assistant, user
from ally.sessions.store import Sessions
from tests.conftest import RunAlly

DATABASE = ".local/share/ally/sessions.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return made


@pytest.fixture
def known(home: Path, folder: Path) -> str:
    """The id of a session of `folder`; there is another one of another folder."""
    sessions = Sessions.open(home / DATABASE, pytest.fail)
    sessions.start(home, "general").append(user("somewhere else"))
    session = sessions.start(folder, "code_gen")
    session.append(user("Fix the \x1b[31mbug with sk-secret-key-1234567890abcd"))
    session.append(AssistantMessage((Text("Reading."), ToolCall("1", "read", {"path": "a.py"}))))
    session.append(ToolMessage((ToolResult("1", "x = 1"),)))
    session.append(assistant("Größe fixed."))
    sessions.close()
    return session.id


def test_a_new_user_has_no_sessions(run_ally: RunAlly) -> None:
    done = run_ally("sessions")
    assert (done.returncode, done.stdout) == (0, "")
    assert "--all" in done.stderr
    assert json.loads(run_ally("sessions", "list", "--json").stdout) == []


def test_the_list_is_of_this_folder_unless_all_are_wanted(run_ally: RunAlly, known: str, folder: Path) -> None:
    here = run_ally("sessions", "list", cwd=folder)
    assert known in here.stdout
    assert "code_gen" in here.stdout
    assert "somewhere else" not in here.stdout
    assert "\x1b" not in here.stdout
    everywhere = json.loads(run_ally("sessions", "--all", "--json").stdout)
    assert everywhere[0]["id"] == known
    assert everywhere[1]["title"] == "somewhere else"
    assert set(everywhere[0]) == {"id", "folder", "agent", "title", "started_at", "last_at"}
    assert everywhere[0]["folder"] == str(folder)


def test_show_is_a_plain_transcript(run_ally: RunAlly, known: str) -> None:
    done = run_ally("sessions", "show", known[:9])
    assert done.returncode == 0
    assert "> Fix the [31mbug" in done.stdout
    assert '[read { "path": "a.py" }: done]\nx = 1' in done.stdout
    assert done.stdout.rstrip().endswith("Größe fixed.")
    assert json.loads(run_ally("sessions", "show", known, "--json").stdout)["id"] == known


def test_search_finds_words_and_names_the_session(run_ally: RunAlly, known: str, folder: Path) -> None:
    assert known in run_ally("sessions", "search", "größe", cwd=folder).stdout
    found = json.loads(run_ally("sessions", "search", "fixed", "--json", "--all").stdout)
    assert [(row["id"], row["role"]) for row in found] == [(known, "assistant")]
    nothing = run_ally("sessions", "search", "größe")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "--all" in nothing.stderr


def test_exports_hold_no_key_and_a_file_is_for_its_owner(run_ally: RunAlly, known: str, tmp_path: Path) -> None:
    env = {"MY_SERVICE_TOKEN": "Größe fixed."}
    for format_name in ("md", "json", "html"):
        target = tmp_path / f"out.{format_name}"
        done = run_ally("sessions", "export", known, "--format", format_name, "-o", str(target), env=env)
        assert (done.returncode, done.stdout) == (0, "")
        text = target.read_text(encoding="utf-8")
        assert "1234567890abcd" not in text
        assert "fixed" not in text
        assert "Reading." in text
        assert target.stat().st_mode & 0o077 == 0
    assert run_ally("sessions", "export", known, env=env).stdout == (tmp_path / "out.md").read_text(encoding="utf-8")


def test_an_export_into_a_folder_that_is_missing_says_so(run_ally: RunAlly, known: str, tmp_path: Path) -> None:
    done = run_ally("sessions", "export", known, "-o", str(tmp_path / "none" / "a.md"))
    assert done.returncode == 1
    assert "folder does not exist" in done.stderr


def test_a_fork_is_a_session_of_its_own(run_ally: RunAlly, known: str, folder: Path) -> None:
    fork = run_ally("sessions", "fork", known).stdout.strip()
    assert fork not in ("", known)
    assert "Größe fixed." in run_ally("sessions", "show", fork).stdout
    assert json.loads(run_ally("sessions", "fork", known, "--json").stdout)["folder"] == str(folder)


def test_deleting_needs_a_yes(run_ally: RunAlly, known: str, home: Path) -> None:
    refused = run_ally("sessions", "delete", known, input="y\n")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    fork = run_ally("sessions", "fork", known).stdout.strip()
    assert run_ally("sessions", "delete", known, "--yes").returncode == 0
    assert run_ally("sessions", "show", known).returncode == 2
    assert "Größe fixed." in run_ally("sessions", "show", fork).stdout
    assert run_ally("sessions", "delete", fork, "-y").returncode == 0
    left = b"".join(path.read_bytes() for path in (home / DATABASE).parent.iterdir())
    assert b"fixed" not in left


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 1), ("no\n", 1)])
def test_on_a_terminal_deleting_asks(
    ally_environment: Callable[[Path], dict[str, str]], known: str, answer: str, code: int
) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "ally", "sessions", "delete", known]
    done = subprocess.run(
        command, stdin=theirs, env=ally_environment(root), capture_output=True, text=True, timeout=60, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code
    assert known in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("action", ["show", "export", "fork", "delete"])
def test_a_session_that_does_not_exist_is_an_error_of_the_user(run_ally: RunAlly, known: str, action: str) -> None:
    done = run_ally("sessions", action, "zzzz")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no session" in done.stderr


def test_a_folder_of_ones_own_choice_holds_the_sessions(run_ally: RunAlly, known: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "history"
    listed = run_ally("sessions", "--all", "--json", env={"ALLY_HISTORY_DIR": str(elsewhere)})
    assert json.loads(listed.stdout) == []
    assert (elsewhere / "sessions.db").exists()
    wrong = run_ally("sessions", "--all", "--json", env={"ALLY_HISTORY_DIR": "not/absolute"})
    assert json.loads(wrong.stdout)[0]["id"] == known
    assert "ALLY_HISTORY_DIR" in wrong.stderr


def test_a_database_that_cannot_be_used_is_told_and_nothing_breaks(run_ally: RunAlly, home: Path, known: str) -> None:
    (home / DATABASE).write_bytes(b"garbage" * 1000)
    done = run_ally("sessions", "--all", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "damaged" in done.stderr
    again = run_ally("sessions", "--all", "--json")
    assert (again.returncode, again.stderr) == (0, "")
