"""What the disk, other processes and time can do to a session: nothing is lost silently, and no chat ends."""

import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from ally.messages import Text, ToolCall, UserMessage, assistant, user
from ally.sessions.store import Sessions

ROOT = Path(__file__).resolve().parents[3]
KILLS = 16

WRITER = """
import sys
from pathlib import Path
from ally.messages import AssistantMessage, Text, ToolCall, ToolMessage, ToolResult, user
from ally.sessions.store import Sessions

sessions = Sessions.open(Path(sys.argv[1]), lambda text: None)
session = sessions.resume(sys.argv[3]) if len(sys.argv) > 3 else sessions.start(Path("/"), "general")

def say(message):
    session.append(message)
    print(session.id, "said", message.text if hasattr(message, "text") else message.results[0].for_model, flush=True)

print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    name = f"{session.id}-{number}"
    say(user(f"user {name} " + "x" * 3000))
    say(AssistantMessage((Text(f"assistant {name}"), ToolCall(name, "read", {}))))
    say(ToolMessage((ToolResult(name, f"result {name}"),)))
"""


@dataclass
class Writer:
    """A process that appends, and says what was acknowledged in a file, which outlives it."""

    process: subprocess.Popen[str]
    output: Path

    @classmethod
    def start(cls, file: Path, output: Path, turns: int, *session: str) -> "Writer":
        command = [sys.executable, "-c", WRITER, str(file), str(turns), *session]
        with output.open("w") as stream:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stream, text=True, cwd=ROOT)
        return cls(process, output)

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def wait_for_lines(self, count: int) -> None:
        until = time.monotonic() + 60
        while self.output.read_text().count("\n") < count:
            assert time.monotonic() < until
            time.sleep(0.005)

    def end(self) -> int:
        self.process.communicate(timeout=60)
        return self.process.returncode

    def acknowledged(self) -> list[tuple[str, str]]:
        lines = [line for line in self.output.read_text().splitlines(keepends=True) if line.endswith("\n")]
        pairs = [line.rstrip("\n").split(" said ", 1) for line in lines if line != "ready\n"]
        return [(session, text) for session, text in pairs]


def run_together(file: Path, turns: int, *session: str) -> list[Writer]:
    writers = [Writer.start(file, file.parent.parent / f"writer-{number}", turns, *session) for number in range(8)]
    for writer in writers:
        writer.wait_for_lines(1)
    for writer in writers:
        writer.go()
    return writers


def kept(sessions: Sessions, session: str) -> str:
    return json.dumps([repr(entry.message) for entry in sessions.resume(session).entries()])


def check_sound(file: Path) -> None:
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_killing_at_any_moment_loses_nothing_that_was_acknowledged(file: Path) -> None:
    chance = random.Random(7)
    total = 0
    for _ in range(KILLS // 8):
        writers = run_together(file, 10_000)
        for writer in writers:
            writer.wait_for_lines(2)
            time.sleep(chance.random() / 20)
            writer.process.kill()
            writer.end()
        sessions = Sessions.open(file, pytest.fail)
        for writer in writers:
            said = writer.acknowledged()
            everything = kept(sessions, said[0][0])
            assert all(text in everything for _, text in said)
            total += len(said)
            history = sessions.resume(said[0][0]).load()
            assert isinstance(history[0], UserMessage)
            assert all(before.role != after.role for before, after in pairwise(history))
        sessions.close()
        check_sound(file)
    assert total > KILLS


def test_eight_processes_in_one_database_lose_nothing(file: Path) -> None:
    writers = run_together(file, 10)
    assert [writer.end() for writer in writers] == [0] * 8
    sessions = Sessions.open(file, pytest.fail)
    assert len(sessions.list()) == 8
    for writer in writers:
        said = writer.acknowledged()
        assert len(said) == 30
        everything = kept(sessions, said[0][0])
        assert all(text in everything for _, text in said)


def test_eight_processes_that_go_on_with_one_session_lose_nothing(file: Path) -> None:
    sessions = Sessions.open(file, pytest.fail)
    session = sessions.start(Path("/"), "general")
    session.append(user("common"))
    session.append(assistant("past"))
    writers = run_together(file, 5, session.id)
    assert [writer.end() for writer in writers] == [0] * 8
    found = {summary.id: kept(sessions, summary.id) for summary in sessions.list()}
    assert len(found) == 8
    for writer in writers:
        said = writer.acknowledged()
        assert len(said) == 15
        everything = found[said[-1][0]]
        assert all(text in everything for _, text in said)
        assert "common" in everything
        assert everything.count("UserMessage(") == 6


def damage(file: Path, kind: str) -> None:
    match kind:
        case "garbage":
            file.write_bytes(b"no database" * 1000)
        case "cut":
            os.truncate(file, 5000)
        case "zeros":
            file.write_bytes(b"\0" * 20_000)
        case "header":
            file.write_bytes(b"XXXXXX" + file.read_bytes()[6:])
        case "pages":
            data = bytearray(file.read_bytes())
            data[4096:] = bytes(byte ^ 0xA5 for byte in data[4096:])
            file.write_bytes(data)
        case _:
            file.unlink()
            file.mkdir()


@pytest.mark.parametrize("kind", ["garbage", "cut", "zeros", "header", "pages", "folder"])
def test_a_damaged_database_is_set_aside_and_work_goes_on(file: Path, notices: list[str], kind: str) -> None:
    sessions = Sessions.open(file, notices.append)
    for number in range(30):
        sessions.start(Path("/"), "general").append(user(f"{number} " + "x" * 1000))
    sessions.close()
    damage(file, kind)
    again = Sessions.open(file, notices.append)
    session = again.start(Path("/"), "general")
    session.append(user("new"))
    assert [summary.id for summary in again.list()] == [session.id]
    assert session.load() == [user("new")]
    assert len(notices) == 1
    aside = [
        path for path in file.parent.iterdir() if ".broken-" in path.name and not path.name.endswith(("wal", "shm"))
    ]
    assert len(aside) == 1
    assert str(aside[0]) in notices[0]
    assert Sessions.open(file, pytest.fail).resume(session.id).load() == [user("new")]


def test_damage_while_a_session_runs_is_told_and_the_session_goes_on(file: Path, notices: list[str]) -> None:
    sessions = Sessions.open(file, notices.append)
    session = sessions.start(Path("/"), "general")
    session.append(user("before"))
    file.write_bytes(b"no database" * 1000)
    for ending in ("-wal", "-shm"):
        file.with_name(file.name + ending).write_bytes(b"\xa5" * 40_000)
    for number in range(3):
        session.append(user(f"after {number}"))
    kept_messages = Sessions.open(file, pytest.fail).resume(session.id).load()
    assert kept_messages == session.load()
    assert "after 2" in repr(kept_messages)
    assert any(".broken-" in notice for notice in notices)


def test_one_entry_that_cannot_be_read_is_skipped_and_shown(sessions: Sessions, file: Path) -> None:
    session = sessions.start(Path("/"), "general")
    for message in (user("a"), assistant("b"), user("c"), assistant("d"), user("e")):
        session.append(message)
    with sqlite3.connect(file) as other:
        for number, body in ((2, "no JSON"), (3, '{"v":9,"role":"user","parts":[]}'), (5, b"\xff")):
            other.execute("UPDATE entry SET body = ? WHERE id = ?", (body, number))
    other.close()
    assert session.load() == [user("a"), assistant("d")]
    assert [bool(entry.problem) for entry in session.entries()] == [False, True, True, False, True]
    assert sessions.search("d") != ()


def test_a_chain_that_bites_its_tail_ends(sessions: Sessions, file: Path) -> None:
    session = sessions.start(Path("/"), "general")
    for message in (user("a"), assistant("b"), user("c")):
        session.append(message)
    with sqlite3.connect(file) as other:
        other.execute("UPDATE entry SET parent = 3 WHERE id = 1")
    other.close()
    assert session.load() == [user("a"), assistant("b"), user("c")]


def test_a_database_that_is_removed_while_it_is_used_is_made_again(
    sessions: Sessions, file: Path, notices: list[str]
) -> None:
    session = sessions.start(Path("/"), "general")
    session.append(user("a"))
    shutil.rmtree(file.parent)
    session.append(assistant("b"))
    session.append(user("c"))
    assert "c" in repr(Sessions.open(file, pytest.fail).resume(session.id).load())
    assert len(notices) == 1


def test_a_newer_database_is_left_alone_and_the_chat_goes_on(file: Path, notices: list[str]) -> None:
    sessions = Sessions.open(file, notices.append)
    sessions.start(Path("/"), "general").append(user("of the future"))
    sessions.close()
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    before = file.read_bytes()
    older = Sessions.open(file, notices.append)
    session = older.start(Path("/"), "general")
    session.append(user("now"))
    assert session.load() == [user("now")]
    assert older.resume(session.id).load() == [user("now")]
    assert file.read_bytes() == before
    assert len(notices) == 1
    assert "newer version" in notices[0]


@pytest.mark.parametrize("place", ["/proc/ally/sessions.db", "/dev/null/sessions.db"])
def test_where_nothing_can_be_written_the_session_lives_in_memory(notices: list[str], place: str) -> None:
    sessions = Sessions.open(Path(place), notices.append)
    session = sessions.start(Path("/"), "general")
    for number in range(3):
        session.append(user(f"{number}"))
    assert session.load() == [user("0\n\n1\n\n2")]
    assert sessions.fork(session.id).load() == session.load()
    assert len(notices) == 1


@contextmanager
def full_disk(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_for_a_while_is_told_once_and_nothing_is_lost(
    sessions: Sessions, file: Path, notices: list[str]
) -> None:
    session = sessions.start(Path("/"), "general")
    session.append(user("a"))
    wal = file.with_name(file.name + "-wal")
    with full_disk(max(wal.stat().st_size, file.stat().st_size)):
        session.append(assistant("b" * 10_000))
        session.append(user("c" * 10_000))
        assert len(notices) == 1
        assert "not saved" in notices[0]
        assert session.load() == [user("a"), assistant("b" * 10_000), user("c" * 10_000)]
    session.append(assistant("d"))
    assert len(notices) == 2
    assert Sessions.open(file, pytest.fail).resume(session.id).load() == session.load()
    assert len(session.load()) == 4


def test_a_disk_that_is_full_from_the_start_leaves_a_session_in_memory(file: Path, notices: list[str]) -> None:
    with full_disk(0):
        sessions = Sessions.open(file, notices.append)
        session = sessions.start(Path("/"), "general")
        session.append(user("a"))
        session.append(assistant("b"))
        assert session.load() == [user("a"), assistant("b")]
    assert len(notices) == 1
    assert Sessions.open(file, pytest.fail).list() == ()


def test_a_clock_that_jumps_back_changes_no_order(file: Path) -> None:
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed: the clock cannot be moved")
    for when, name in (("2045-01-01", "future"), ("1999-01-01", "past"), ("2026-01-01", "present")):
        script = (
            "import sys; from pathlib import Path\n"
            "from ally.sessions.store import Sessions; from ally.messages import *\n"
            "s = Sessions.open(Path(sys.argv[1]), print); t = s.latest(Path('/')) or s.start(Path('/'), 'general')\n"
            "t.append(user(sys.argv[2])); s.start(Path('/'), 'general').append(user('another ' + sys.argv[2]))\n"
            "t.append(assistant('ok'))"
        )
        command = ["faketime", when, sys.executable, "-c", script, str(file), name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout == ""
    sessions = Sessions.open(file, pytest.fail)
    latest = sessions.latest(Path("/"))
    assert latest is not None
    assert [message.text for message in latest.load() if not isinstance(message, ToolCall | Text)][::2] == [
        "future",
        "past",
        "present",
    ]
    titles = [summary.title for summary in sessions.list()]
    assert titles == ["future", "another present", "another past", "another future"]
