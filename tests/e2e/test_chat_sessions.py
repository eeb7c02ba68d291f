"""Folders, sessions and the window in the plain chat."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import CHOICE, PROMPT, words
from tests.fakes import Reply


def said(lab) -> list[str]:
    return [words(message["content"]) for message in lab.calls[-1].json["messages"][1:]]


def test_a_folder_is_trusted_only_after_a_yes(spawn, lab, work: Path):
    nothing = spawn(ready=False)
    nothing.expect(r"\AAlly [^\n]* Ctrl-D leaves")
    nothing.expect(PROMPT)
    nothing.sendeof()
    (work / "AGENTS.md").write_text("Answer in rhymes.\n")
    chat = spawn(ready=False)
    chat.expect_exact("Do you trust AGENTS.md in")
    chat.expect_exact("[y/N] ")
    chat.sendline("n")
    chat.expect_exact("Ctrl-D leaves")
    chat.expect(PROMPT)
    chat.sendline("hi")
    chat.expect(PROMPT)
    assert "rhymes" not in lab.calls[-1].body.decode()
    trusted = spawn()
    trusted.sendline("hi")
    trusted.expect(PROMPT)
    assert "Answer in rhymes." in lab.calls[-1].body.decode()


def test_the_last_session_goes_on_and_another_can_be_chosen(spawn, lab):
    first = spawn()
    first.sendline("I am Ada")
    first.expect(PROMPT)
    first.sendline("/id")
    first.expect(r"ally -i (\w+) goes on")
    name = first.match[1]
    first.sendeof()
    again = spawn("-c")
    again.sendline("/clear")
    again.expect_exact(f"/resume {name}")
    again.expect(PROMPT)
    again.sendline("I am Bob")
    again.expect(PROMPT)
    assert said(lab) == ["I am Bob"]
    again.sendline("/sessions")
    again.expect_exact("I am Ada")
    again.expect(CHOICE)
    again.sendline("")
    again.expect(PROMPT)
    again.sendline(f"/resume {name[:6]}")
    again.expect_exact("you: I am Ada")
    again.expect(PROMPT)
    again.sendline("Who am I?")
    again.expect(PROMPT)
    assert said(lab)[0] == "I am Ada"
    assert said(lab)[-1] == "Who am I?"


def test_a_fork_leaves_the_session_as_it_was(spawn, lab):
    chat = spawn()
    chat.sendline("I am Ada")
    chat.expect(PROMPT)
    chat.sendline("/fork")
    chat.expect(r"copy now: (\w+)\. /resume (\w+) goes back")
    assert chat.match[1] != chat.match[2]
    chat.expect(PROMPT)
    chat.sendline("No, I am Eve")
    chat.expect(PROMPT)
    assert said(lab)[0] == "I am Ada"


def test_an_unknown_session_is_exit_2_and_so_is_none_at_all(lab, run_ally):
    for argv in (["-c"], ["-i", "nothere"], ["--fork", "nothere"]):
        done = run_ally("--plain", *argv, "hi")
        assert done.returncode == 2, argv
        assert done.stderr.startswith("Error: ")
    assert lab.calls == []


@pytest.mark.parametrize("kind", ["md", "json", "html"])
def test_a_session_is_written_to_a_file_and_none_is_overwritten(chat, work: Path, kind):
    chat.sendline("I am Ada")
    chat.expect(PROMPT)
    chat.sendline(f"/export talk.{kind}")
    chat.expect_exact(f"Written: talk.{kind}")
    chat.expect(PROMPT)
    assert "I am Ada" in (work / f"talk.{kind}").read_text()
    chat.sendline(f"/export talk.{kind}")
    chat.expect_exact("exists already")


def test_the_window_is_shown_and_emptied_by_a_summary(chat, lab, checkout: Path):
    lab.script(Reply(text="Hello Ada"), Reply(text="The user is Ada."), Reply(text="Ada"))
    chat.sendline("I am Ada")
    chat.expect(PROMPT)
    chat.sendline("/context")
    chat.expect("system prompt +[0-9,]+")
    chat.expect("about [0-9,]+ tokens")
    chat.expect(PROMPT)
    chat.sendline("/compact")
    chat.expect_exact("The user is Ada.")
    chat.expect(PROMPT)
    chat.sendline("Who am I?")
    chat.expect(PROMPT)
    assert "The user is Ada." in json.dumps(lab.calls[-1].json["messages"])


def test_another_agent_keeps_the_history(chat, lab):
    chat.sendline("I am Ada")
    chat.expect(PROMPT)
    chat.sendline("/agent brainstormer")
    chat.expect_exact("brainstormer · lab:")
    chat.expect(PROMPT)
    chat.sendline("Who am I?")
    chat.expect(PROMPT)
    assert said(lab)[0] == "I am Ada"
    names = [tool["function"]["name"] for tool in lab.calls[-1].json["tools"]]
    assert "write" not in names
    assert "read" in names


def test_the_status_names_model_folder_and_session(chat, work: Path):
    chat.sendline("/status")
    for name in ("lab:gpt-4o", str(work), "mode", "sandbox", "session"):
        chat.expect_exact(name)
