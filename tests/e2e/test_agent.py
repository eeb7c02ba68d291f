"""The agent at work, as the real command against a service on loopback: tools, prefix reuse, undo, permissions."""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import RunAlly
from tests.e2e import lab as laboratory
from tests.fakes import FakeOpenAI, Reply

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


@pytest.fixture
def lab(fake_openai: FakeOpenAI, checkout: Path) -> FakeOpenAI:
    return laboratory.use(fake_openai, checkout)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small repository whose test fails, with a file that nobody added."""
    folder = tmp_path / "calc"
    (folder / "src").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "src" / "calc.py").write_bytes(b"def add(a, b):\r\n    return a - b\r\n")
    (folder / "src" / "text.py").write_text("GREETING = 'hällo'\n", encoding="latin-1")
    (folder / "src" / "old.py").write_text("unused = True\n")
    (folder / "tests" / "test_calc.py").write_text(
        "import sys, unittest\n"
        "sys.path.insert(0, 'src')\n"
        "from calc import add\n\n\n"
        "class AddTest(unittest.TestCase):\n"
        "    def test_add(self):\n"
        "        self.assertEqual(add(2, 3), 5)\n"
    )
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=folder, check=True)
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, "commit", "-qm", "start"], cwd=folder, check=True)
    (folder / "notes.txt").write_bytes(b"never added\x00\xff\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return folder


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and bytes of every file but git's own."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
        if ".git" not in path.relative_to(folder).parts
    }


def thirty_calls() -> list[tuple[str, dict]]:
    calls: list[tuple[str, dict]] = [("todo", {"items": [{"text": "work", "status": "active"}]})]
    for n in range(6):
        calls += [
            ("write", {"path": f"made/{n}.txt", "content": f"line one {n}\nline two\n"}),
            ("read", {"path": f"made/{n}.txt"}),
            ("edit", {"path": f"made/{n}.txt", "edits": [{"old": "line two", "new": f"line 2 of {n}"}]}),
            ("grep", {"pattern": f"2 of {n}"}),
        ]
    return [
        *calls,
        ("find", {"pattern": "made/*.txt"}),
        ("list", {"path": "made"}),
        ("shell", {"command": "cat made/0.txt | wc -l"}),
        ("delete", {"path": "made/5.txt"}),
        ("shell", {"command": "ls made"}),
    ]


def test_thirty_tool_calls_and_every_request_begins_with_the_one_before(lab: FakeOpenAI, run_ally: RunAlly, project):
    calls = thirty_calls()
    assert len(calls) == 30
    lab.script(*(Reply(text="Next.", tool_calls=[call]) for call in calls), Reply(text="All done."))
    done = run_ally("-p", "work", "--output-format", "json", "--permission-mode", "bypass", cwd=project)
    result = json.loads(done.stdout)
    assert (done.returncode, result["result"]) == (0, "All done."), done.stderr
    assert [call["name"] for call in result["tool_calls"]] == [name for name, _ in calls]
    failed = [call for call in result["tool_calls"] if call["is_error"]]
    assert failed == []
    bodies = [request.raw for request in lab.calls]
    assert len(bodies) == 31
    for earlier, later in pairwise(bodies):
        assert later.startswith(earlier.removesuffix(b"]}")), "the prompt's beginning changed"
    assert (project / "made" / "0.txt").read_text() == "line one 0\nline 2 of 0\n"
    assert not (project / "made" / "5.txt").exists()


@needs_bubblewrap
def test_a_repair_tested_in_the_sandbox_is_undone_to_the_last_byte(lab: FakeOpenAI, run_ally: RunAlly, project: Path):
    before = snapshot(project)
    shell = "rm notes.txt src/old.py && mkdir made && printf x > made/new.txt && chmod 644 run.sh"
    lab.script(
        Reply(tool_calls=[("read", {"path": "src/calc.py"}), ("read", {"path": "src/text.py"})]),
        Reply(tool_calls=[("edit", {"path": "src/calc.py", "edits": [{"old": "a - b", "new": "a + b"}]})]),
        Reply(tool_calls=[("edit", {"path": "src/text.py", "edits": [{"old": "hällo", "new": "grüß dich"}]})]),
        Reply(tool_calls=[("write", {"path": "docs/new.md", "content": "# New\n"})]),
        Reply(tool_calls=[("shell", {"command": shell})]),
        Reply(tool_calls=[("shell", {"command": "python3 -m unittest discover -s tests"})]),
        Reply(text="Repaired."),
    )
    allowed = ("--allow", "shell(rm *)", "--allow", "shell(mkdir *)", "--allow", "shell(chmod *)")
    allowed += ("--allow", "shell(printf *)", "--allow", "shell(python3 -m unittest *)")
    done = run_ally(
        *("-p", "repair it", "--output-format", "json", "--permission-mode", "accept-edits", *allowed), cwd=project
    )
    result = json.loads(done.stdout)
    assert [call for call in result["tool_calls"] if call["is_error"]] == []
    tested = lab.calls[-1].json["messages"][-1]["content"]
    assert "OK" in tested
    assert (project / "src" / "calc.py").read_bytes() == b"def add(a, b):\r\n    return a + b\r\n"
    assert (project / "src" / "text.py").read_bytes() == "GREETING = 'grüß dich'\n".encode("latin-1")
    assert snapshot(project) != before
    undone = run_ally("--plain", "-c", input="/undo\n", cwd=project)
    assert undone.returncode == 0, undone.stderr
    after = snapshot(project)
    made_by_python = {name for name in after if "__pycache__" in name}
    assert {name: value for name, value in after.items() if name not in made_by_python} == before
    again = run_ally("--plain", "-c", input="/redo\n", cwd=project)
    assert again.returncode == 0, again.stderr
    assert (project / "src" / "calc.py").read_bytes() == b"def add(a, b):\r\n    return a + b\r\n"
    assert not (project / "notes.txt").exists()
