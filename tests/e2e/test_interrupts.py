"""Ctrl-C, SIGTERM and SIGHUP in every phase: the prompt or the exit code comes, nothing runs on, the session lives.

`make rigs` does it 200 times.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.e2e import lab as laboratory
from tests.e2e.rig import ROUNDS, Chat, Figures, Rig, Shot, new_marker, until
from tests.fakes import Failure, FakeOpenAI, Hang, Reply, Usage

CHUNKS = 4
INTERRUPTS = ROUNDS or 24
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BIG = "".join(f"<{number:05d}> a line of a large file\n" for number in range(40_000))
NEXT = "I am still here."


@dataclass(frozen=True)
class Stage:
    """A running Ally, its project, and the service, which had `before` calls when this began."""

    rig: Rig
    fake: FakeOpenAI
    child: Chat | Shot
    before: int

    def asked(self, count: int = 1) -> bool:
        return len(self.fake.calls) >= self.before + count

    def says(self, text: str) -> bool:
        return text in self.child.text()


@dataclass(frozen=True)
class Phase:
    """The answers that lead into it, and how to see that it has come; the signal comes up to `later_s` after that.

    In `may_end` ones the turn can be over before the signal arrives.
    """

    answers: Callable[[Rig], list[Reply | Failure]]
    has_come: Callable[[Stage], object]
    later_s: float = 0.1
    may_end: bool = False


def _command(rig: Rig) -> str:
    """A command with children: a plain one, one of a session of its own, and one that ignores SIGTERM."""
    children = f"sleep {rig.marker} & setsid sleep {rig.marker} & bash -c 'trap \"\" TERM; sleep {rig.marker}; true' &"
    return f"touch made; {children} sleep {rig.marker}"


def _edit(number: int) -> tuple[str, dict]:
    return ("edit", {"path": "big.txt", "edits": [{"old": f"<{number:05d}>", "new": f"<{number:05d}+>"}]})


def _calls(*calls: tuple[str, dict], **more: Any) -> Callable[[Rig], list[Reply | Failure]]:
    return lambda rig: [Reply(tool_calls=calls, **more)]


PHASES = {
    "waiting": Phase(lambda rig: [Reply(fault=Hang("headers"))], lambda stage: stage.asked()),
    "text": Phase(lambda rig: [Reply(text="Once upon a time", fault=Hang("finish"))], lambda stage: stage.says("Once")),
    "arguments": Phase(
        _calls(("write", {"path": "b", "content": "b" * 99}), fault=Hang("arguments")), lambda stage: stage.asked()
    ),
    "reading": Phase(
        _calls(*[("grep", {"pattern": "q.*z.*q{3}", "path": "/usr"})] * 3), lambda stage: stage.asked(), 0.3, True
    ),
    "writing": Phase(
        _calls(*map(_edit, range(4))), lambda stage: stage.rig.temporaries() or stage.asked(2), 0.02, True
    ),
    "command": Phase(
        lambda rig: [Reply(tool_calls=[("shell", {"command": _command(rig)})])],
        lambda stage: len(stage.rig.marked()) > 3,
    ),
    "compaction": Phase(
        lambda rig: [
            Reply(tool_calls=[("todo", {"items": []})], usage=Usage(127_000, 20)),
            Reply(fault=Hang("headers")),
        ],
        lambda stage: stage.asked(2),
    ),
    "countdown": Phase(lambda rig: [Failure("rate_limit", retry_after_s=50)], lambda stage: stage.says("Trying again")),
    "exit": Phase(lambda rig: [], lambda stage: stage.says('"type": "result"'), 0.01, True),
    "job": Phase(
        lambda rig: [
            Reply(tool_calls=[("shell", {"command": f"touch made; sleep {rig.marker}", "background": True})]),
            Reply(text="It runs."),
        ],
        lambda stage: stage.says("It runs."),
        0.1,
        True,
    ),
    "question": Phase(
        _calls(("write", {"path": ".env", "content": "KEY=1\n"})), lambda stage: stage.says("what to do instead: ")
    ),
    "idle": Phase(lambda rig: [], lambda stage: True),
}
ONLY_IN_A_CHAT = ("question", "idle")
"""The others are those of `-p` as well."""

CASES = [
    *(("chat", phase, signal.SIGINT) for phase in PHASES),
    *(("chat", phase, number) for number in SIGNALS[1:] for phase in PHASES),
    *(("shot", phase, number) for number in SIGNALS for phase in PHASES if phase not in ONLY_IN_A_CHAT),
]


def chosen(count: int) -> list[tuple[str, str, signal.Signals]]:
    """So many cases: all, again and again; of the last round those that share a process, and a few of the others."""
    rounds, rest = divmod(count, len(CASES))
    cheap, others = CASES[:rest][: len(PHASES)], CASES[len(PHASES) :]
    rest -= len(cheap)
    return CASES * rounds + cheap + [others[number * len(others) // rest] for number in range(rest)]


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
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its jobs ignore it

    def make(name: str) -> Rig:
        project = tmp_path / name
        project.mkdir()
        marker = new_marker(random.Random(name))
        rigs.append(Rig(checkout, home, ally_environment(checkout), project, marker, figures))
        (project / "big.txt").write_text(BIG)
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_interrupts_end_what_runs_and_the_session_goes_on(make_rig, fake_openai, checkout: Path, chunk: int):
    fake = laboratory.use(fake_openai, checkout)
    chats = Chats(make_rig, fake)
    failed: list[str] = []
    for number, (front, name, sent) in list(enumerate(chosen(INTERRUPTS)))[chunk::CHUNKS]:
        fake.forget()
        fake.always(Reply(text=NEXT))
        chance = random.Random(number)
        try:
            if front == "chat":
                chats.interrupt(name, sent, chance)
            else:
                interrupt_shot(make_rig(f"shot-{number}"), fake, name, sent, chance)
        except (AssertionError, pexpect.ExceptionPexpect) as exc:
            failed.append(f"case {number}: {front}, {name}, {sent.name}: {exc}")
            print(failed[-1])
            chats.leave()
    assert failed == []


def interrupt_shot(rig: Rig, fake: FakeOpenAI, name: str, sent: signal.Signals, chance: random.Random) -> None:
    """One interrupt of `ally -p`."""
    phase = PHASES[name]
    fake.script(*phase.answers(rig))
    stage = Stage(rig, fake, rig.shot("work"), len(fake.calls))
    until(lambda: phase.has_come(stage), stage.child)
    time.sleep(chance.random() * phase.later_s)
    code, seconds = send(stage.child, sent)
    assert code == 128 + sent or (phase.may_end and code == 0), f"exit {code}: {stage.child.text()[-2000:]}"
    rig.figures.time(f"ends: -p, {name}", seconds)
    check(rig, stage.child)
    go_on(rig, fake)


def send(child: Shot | Chat, sent: signal.Signals) -> tuple[int, float]:
    """The exit code, and the seconds until it has ended."""
    begun = time.monotonic()
    if not child.is_over():
        os.kill(child.pid, sent)
    return child.wait(), time.monotonic() - begun


def check(rig: Rig, child: Shot | Chat) -> None:
    """Nothing runs on, nothing is half-written, and nobody was shown the inside of the program."""
    said = child.text()
    assert "Traceback" not in said and "Exception" not in said, said[-3000:]
    assert rig.orphans() == []
    assert rig.temporaries() == []
    text = (rig.project / "big.txt").read_text()
    assert text.replace("+>", ">") == BIG
    rig.figures.count("interrupts")


def go_on(rig: Rig, fake: FakeOpenAI) -> None:
    """The session lives."""
    fake.forget()
    done = rig.run("-c", "-p", "and now?")
    assert (done.returncode, done.stdout) == (0, f"{NEXT}\n"), done.stderr


class Chats:
    """One chat after the other: a new one when a signal has ended the last."""

    def __init__(self, make_rig: Callable[[str], Rig], fake: FakeOpenAI) -> None:
        self._make_rig = make_rig
        self._fake = fake
        self._count = 0
        self._open: tuple[Rig, Chat] | None = None

    def interrupt(self, name: str, sent: signal.Signals, chance: random.Random) -> None:
        """One interrupt of a chat."""
        phase = PHASES[name]
        rig, chat = self._open = self._open or self._begin()
        self._fake.script(*phase.answers(rig))
        stage = Stage(rig, self._fake, chat, len(self._fake.calls))
        chat.said = ""
        self._enter(stage, name)
        time.sleep(chance.random() * phase.later_s)
        if sent == signal.SIGINT and name != "exit":
            self._stop(stage, name, with_key=chance.random() < 0.5)
        else:
            self._end(stage, name, sent)

    def leave(self) -> None:
        """Begin a new one next time."""
        self._open = None

    def _begin(self) -> tuple[Rig, Chat]:
        """A chat in which something was said."""
        self._count += 1
        rig = self._make_rig(f"chat-{self._count}")
        chat = rig.chat()
        chat.say("hello")
        chat.expect(NEXT)
        chat.prompt()
        return rig, chat

    def _enter(self, stage: Stage, name: str) -> None:
        chat = stage.child
        assert isinstance(chat, Chat)
        match name:
            case "idle":
                return
            case "exit":
                chat.say("/quit")
            case "job":
                chat.say("work")
                chat.expect("It runs.")
                chat.prompt()
            case _:
                chat.say("work")
                until(lambda: PHASES[name].has_come(stage), chat)

    def _stop(self, stage: Stage, name: str, *, with_key: bool) -> None:
        """Ctrl-C, and the next turn in the same process."""
        rig, chat = stage.rig, stage.child
        assert isinstance(chat, Chat)
        begun = time.monotonic()
        chat.stop(chat.terminal.sendintr if with_key else lambda: os.kill(chat.pid, signal.SIGINT))
        rig.figures.time(f"prompt: {name}", time.monotonic() - begun)
        rig.figures.time("prompt: all", time.monotonic() - begun)
        assert chat.modes() == chat.at_prompt, "the terminal is not as it was"
        if name != "job":
            check(rig, chat)
        self._fake.forget()
        chat.say("and now?")
        chat.expect(NEXT)
        chat.prompt()
        if name == "job":
            self._end(stage, name, signal.SIGTERM)

    def _end(self, stage: Stage, name: str, sent: signal.Signals) -> None:
        """A signal that ends the program, and the next turn in another process."""
        rig, chat = stage.rig, stage.child
        assert isinstance(chat, Chat)
        self._open = None
        code, seconds = send(chat, sent)
        assert code == 128 + sent or (name == "exit" and code == 0), f"exit {code}: {chat.text()[-2000:]}"
        rig.figures.time(f"ends: chat, {name}", seconds)
        assert chat.modes() == chat.settings, "the terminal is not as it was"
        check(rig, chat)
        go_on(rig, self._fake)
