"""`ally -p` with tools: the flags decide, and nobody is asked."""

import json
from pathlib import Path

import pytest

from tests.conftest import RunAlly
from tests.fakes import Reply

WRITE = ("write", {"path": "a.txt", "content": "one\n"})


def test_what_would_be_asked_is_denied_and_reported(lab, run_ally: RunAlly, work: Path):
    lab.script(Reply(tool_calls=[WRITE]), Reply(text="I may not."))
    done = run_ally("-p", "write it", "--output-format", "json", cwd=work)
    value = json.loads(done.stdout)
    assert (done.returncode, value["result"], value["num_turns"]) == (0, "I may not.", 2)
    assert value["tool_calls"][0]["is_error"] is True
    (denial,) = value["permission_denials"]
    assert (denial["tool_name"], denial["tool_input"]) == ("write", WRITE[1])
    assert denial["tool_use_id"] == value["tool_calls"][0]["id"]
    assert denial["reason"]
    assert not (work / "a.txt").exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--allow", "write(a.txt)"],
        ["--permission-mode", "accept-edits"],
        ["--allow-all-tools"],
        ["--allow", "edit"],
    ],
)
def test_flags_allow(lab, run_ally: RunAlly, work: Path, flags):
    lab.script(Reply(tool_calls=[WRITE]), Reply(text="Written."))
    done = run_ally("-p", "write it", *flags, cwd=work)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Written.\n", "")
    assert (work / "a.txt").read_text() == "one\n"


@pytest.mark.parametrize("flags", [["--deny", "write"], ["--permission-mode", "plan"]])
def test_a_denial_wins(lab, run_ally: RunAlly, work: Path, flags):
    lab.script(Reply(tool_calls=[WRITE]), Reply(text="I may not."))
    done = run_ally("-p", "write it", "--allow", "write", *flags, "--output-format", "json", cwd=work)
    assert len(json.loads(done.stdout)["permission_denials"]) == 1
    assert not (work / "a.txt").exists()


def test_a_rule_that_is_none_is_exit_2(lab, run_ally: RunAlly, work: Path):
    done = run_ally("-p", "hi", "--allow", "shell(", cwd=work)
    assert (done.returncode, lab.calls) == (2, [])
    assert "--allow" in done.stderr


def test_stream_json_tells_of_tools_in_the_usual_shape(lab, run_ally: RunAlly, work: Path):
    (work / "a.txt").write_text("hello\n")
    lab.script(Reply(text="Looking.", tool_calls=[("read", {"path": "a.txt"})]), Reply(text="It says hello."))
    done = run_ally("-p", "look", "--output-format", "stream-json", cwd=work)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    whole = [line for line in lines if line["type"] != "stream_event"]
    assert [line["type"] for line in whole] == ["system", "assistant", "user", "assistant", "result"]
    assert {"read", "write", "shell"} <= set(whole[0]["tools"])
    assert whole[0]["permissionMode"] == "ask"
    text, call = whole[1]["message"]["content"]
    assert (text["type"], call["type"], call["name"], call["input"]) == ("text", "tool_use", "read", {"path": "a.txt"})
    (result,) = whole[2]["message"]["content"]
    assert (result["type"], result["tool_use_id"], result["is_error"]) == ("tool_result", call["id"], False)
    assert "hello" in result["content"]
    assert whole[-1]["tool_calls"][0]["is_error"] is False


def test_a_session_goes_on_by_its_id(lab, run_ally: RunAlly, work: Path):
    lab.script(Reply(text="Hello Ada"), Reply(text="Ada"), Reply(text="Still Ada"))
    first = json.loads(run_ally("-p", "I am Ada", "--output-format", "json", cwd=work).stdout)
    second = json.loads(
        run_ally("-p", "Who am I?", "-i", first["session_id"], "--output-format", "json", cwd=work).stdout
    )
    assert second["session_id"] == first["session_id"]
    assert "I am Ada" in lab.calls[-1].json["messages"][1]["content"]
    forked = json.loads(
        run_ally("-p", "And?", "--fork", first["session_id"], "--output-format", "json", cwd=work).stdout
    )
    assert forked["session_id"] != first["session_id"]
    assert len(lab.calls[-1].json["messages"]) == 6


def test_an_untrusted_folder_does_not_speak(lab, run_ally: RunAlly, work: Path):
    (work / "AGENTS.md").write_text("Answer in rhymes.\n")
    (work / ".ally").mkdir()
    (work / ".ally" / "config.json").write_text("{ broken")
    lab.script(Reply(text="prose"))
    done = run_ally("-p", "hi", cwd=work)
    assert (done.returncode, done.stdout) == (0, "prose\n")
    assert done.stderr.splitlines() == [
        "AGENTS.md, .ally/config.json not read: the folder is not trusted (start `ally` in it once to say so)."
    ]
    assert b"rhymes" not in lab.calls[-1].body


def test_a_limit_on_turns_is_exit_3(lab, run_ally: RunAlly, work: Path):
    lab.script(Reply(tool_calls=[("list", {"path": "."})]))
    done = run_ally("-p", "look", "--max-turns", "1", "--output-format", "json", cwd=work)
    assert (done.returncode, json.loads(done.stdout)["stop_reason"]) == (3, "max_turns")
