"""Ally killed at any moment: no torn file, nothing lost that was acknowledged, nothing left running or lying around.

`make rigs` does it 200 times.
"""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rig import ROUNDS, TEMPORARY, Chat, Figures, Rig, Shot, new_marker, until
from tests.e2e.task import Task, make_task, write
from tests.fakes import FakeOpenAI, Reply

CHUNKS = 4
KILLS = ROUNDS or 8
MOMENTS = ("time", "write", "line", "command", "write", "time")
"""At any time, when a file is being written, right after a line of output, while a command runs."""


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    counted = Figures()
    yield counted
    counted.show()


@pytest.fixture
def make_rig(
    checkout: Path, home: Path, ally_environment, tmp_path: Path, figures: Figures
) -> Iterator[Callable[[str], Rig]]:
    rigs: list[Rig] = []

    def make(name: str) -> Rig:
        project = tmp_path / name
        project.mkdir()
        marker = new_marker(random.Random(name))
        rigs.append(Rig(checkout, home, ally_environment(checkout), project, marker, figures))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


def test_the_task_is_done_and_undone_when_nobody_interferes(make_rig):
    rig = make_rig("calm")
    task = make_task(rig.marker, random.Random(1))
    write(rig.project, task.before)
    with rig.service() as fake:
        fake.script(*task.answers)
        shot = rig.shot("work")
        assert shot.wait() == 0, shot.text()
    results = [block for event in shot.lines() if event["type"] == "user" for block in event["message"]["content"]]
    assert [block["content"] for block in results if block["is_error"]] == []
    assert rig.files() == task.states[-1]
    assert rig.orphans() == []
    with rig.service():
        assert "Undone: work" in rig.run("--plain", "-c", said="/undo\n").stdout
    assert rig.files() == task.before
    assert rig.strays() == []


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_kills_tear_no_file_lose_no_message_and_leave_nothing_behind(make_rig, chunk: int):
    failed: list[str] = []
    for number in range(chunk, KILLS, CHUNKS):
        kill = Kill(make_rig(f"kill-{number}"), number)
        try:
            kill.strike()
            kill.check_what_is_left()
            kill.check_that_it_goes_on()
        except AssertionError as exc:
            failed.append(f"kill {number} at a {kill.moment}: {exc}")
            print(failed[-1])
    assert failed == []


class Kill:
    """One kill, and what has to be true after it."""

    def __init__(self, rig: Rig, number: int) -> None:
        self.rig = rig
        self.chance = random.Random(number)
        self.task: Task = make_task(rig.marker, self.chance)
        self.is_chat = number % 6 == 5
        self.moment = MOMENTS[number // 2 % len(MOMENTS)]
        self.one_shot_next = number % 5 == 0
        self.heard: list[dict[str, Any]] = []
        """The messages that the service had got by then."""
        self.events: list[dict[str, Any]] = []
        self.session = ""
        write(rig.project, self.task.before)

    def strike(self) -> None:
        with self.rig.service() as fake:
            fake.script(*self.task.answers)
            child = self._start()
            self._await_moment(child)
            ended_before = child.is_over()
            if not ended_before:
                os.kill(child.pid, signal.SIGKILL)
            code = child.wait()
            assert code == (0 if ended_before else -signal.SIGKILL), child.text()
            self.rig.figures.count("ended before the kill" if ended_before else f"killed at a {self.moment}")
            self._note(child, fake)

    def check_what_is_left(self) -> None:
        assert self.rig.orphans() == []
        known = {name for state in self.task.states for name in state}
        found = {name: data for name, data in self.rig.files().items() if name in known}
        if found not in self.task.states:
            after = self.task.states[-1]
            whole = {name for name, data in found.items() if data in [state.get(name) for state in self.task.states]}
            raise AssertionError(f"torn: {found.keys() - whole}, missing: {after.keys() - found.keys()}")
        self.rig.figures.count("half-written files beside", len(self.rig.temporaries()))

    def check_that_it_goes_on(self) -> None:
        session = self.session or self._find_session()
        if not session:
            assert self.events == self.heard == [], "a session was lost"
            self.rig.figures.count("killed before anything was said")
            return
        exported = self.rig.run("sessions", "export", session, "--format", "json")
        assert exported.returncode == 0, exported.stderr
        self._check_kept(exported.stdout)
        self._go_on()
        assert self.rig.files() == self.task.before
        assert [name for name in self.rig.strays() if TEMPORARY.fullmatch(Path(name).name)] == []
        assert sorted(self._folders()) in ([], ["new"]), "a stand-in of the sandbox is left"

    def _start(self) -> Shot | Chat:
        if not self.is_chat:
            return self.rig.shot("work")
        chat = self.rig.chat()
        chat.say("work")
        return chat

    def _await_moment(self, child: Shot | Chat) -> None:
        """Wait for the moment, or until the task is done, where a chat waits for more."""
        reached = self._moment(child)
        until(lambda: reached() or (isinstance(child, Chat) and "All done." in child.text()), child)
        if self.moment == "command":
            time.sleep(self.chance.random() * 0.2)

    def _moment(self, child: Shot | Chat) -> Callable[[], object]:
        match self.moment:
            case "time":
                later = time.monotonic() + self.chance.random() * 3
                return lambda: time.monotonic() > later
            case "line" if isinstance(child, Shot):
                lines = self.chance.randrange(1, 40)
                return lambda: child.output.read_bytes().count(b"\n") >= lines
            case "command":
                return self.rig.marked
            case _:
                count, seen = self.chance.randrange(1, 7), set[str]()
                return lambda: seen.update(self.rig.temporaries()) or len(seen) >= count

    def _note(self, child: Shot | Chat, fake: FakeOpenAI) -> None:
        self.heard = [message for call in fake.calls[-1:] for message in call.json["messages"][1:]]
        if isinstance(child, Shot):
            self.events = [event for event in child.lines() if event["type"] in ("assistant", "user")]
            self.session = self.events[0]["session_id"] if self.events else ""

    def _find_session(self) -> str:
        listed = json.loads(self.rig.run("sessions", "list", "--json").stdout)
        return listed[0]["id"] if listed else ""

    def _check_kept(self, exported: str) -> None:
        """Everything that was shown, and everything that the service was told, is in the session."""
        entries = [entry["message"] for entry in json.loads(exported)["entries"] if "message" in entry]
        parts = [part for message in entries for part in message.get("parts", [])]
        texts = [part.get("text") for part in parts]
        calls = {part["id"] for part in parts if part["type"] == "tool_call"}
        results = {one["call_id"]: one["for_model"] for message in entries for one in message.get("results", [])}
        for event in self.events:
            for block in event["message"]["content"]:
                match block["type"]:
                    case "text":
                        assert block["text"] in texts
                    case "tool_use":
                        assert block["id"] in calls
                    case "tool_result":
                        assert results[block["tool_use_id"]] == block["content"]
                self.rig.figures.count("acknowledged and kept")
        for message in self.heard:
            if message["role"] == "tool":
                assert results[message["tool_call_id"]] == message["content"]
            assert {call["id"] for call in message.get("tool_calls", [])} <= calls
        assert not self.heard or "work" in texts

    def _go_on(self) -> None:
        """The service accepts the history, and /undo brings back every byte."""
        with self.rig.service() as fake:
            fake.always(Reply(text="Going on."))
            if self.one_shot_next:
                done = self.rig.run("-c", "-p", "go on")
                assert (done.returncode, done.stdout) == (0, "Going on.\n"), done.stderr
                assert self.rig.strays() == []
            done = self.rig.run("--plain", "-c", said="/undo\n" if self.one_shot_next else "go on\n/undo\n")
            assert done.returncode == 0, done.stderr
            assert self.one_shot_next or "Going on." in done.stdout, done.stderr
            assert "kept" not in done.stdout, done.stdout
            assert len(fake.calls) == 1

    def _folders(self) -> set[str]:
        return {path.name for path in self.rig.project.iterdir() if path.is_dir()}
