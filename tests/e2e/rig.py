"""What kills and interrupts need: a project with a task, the real command in both shapes, and eyes on what is left."""

import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pexpect

from ally.permissions.trust import Trust
from tests.e2e import lab as laboratory
from tests.e2e.conftest import PROMPT
from tests.fakes import FakeOpenAI

ROUNDS = int(os.environ.get("RIG_ROUNDS", "0"))
"""How many kills and how many interrupts; 0 is the small number of the ordinary suite."""

PATIENCE_S = 30.0
TEMPORARY = re.compile(r"\..*\.tmp")

Files = dict[str, bytes]


@dataclass
class Figures:
    """What was counted, for the reader of the test's output."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def count(self, name: str, number: int = 1) -> None:
        """Add to a number."""
        self.counts[name] = self.counts.get(name, 0) + number

    def time(self, name: str, seconds: float) -> None:
        """Add a duration."""
        self.seconds.setdefault(name, []).append(seconds)

    def show(self) -> None:
        """Print everything."""
        print("\n" + ", ".join(f"{name} {number}" for name, number in sorted(self.counts.items())))
        for name, found in sorted(self.seconds.items()):
            high = sorted(found)[max(0, round(len(found) * 0.95) - 1)]
            print(f"  {name}: p50 {statistics.median(found) * 1000:.0f} ms, p95 {high * 1000:.0f} ms, n {len(found)}")


@dataclass
class Rig:
    """One project of one home, and everything that happens to it.

    `marker` is a number of seconds that only commands of this rig sleep, by which they are found among all processes.
    """

    checkout: Path
    home: Path
    env: dict[str, str]
    project: Path
    marker: str
    figures: Figures
    children: list["Shot | Chat"] = field(default_factory=list["Shot | Chat"])

    @contextlib.contextmanager
    def service(self) -> Iterator[FakeOpenAI]:
        """A new service as the default provider."""
        with FakeOpenAI() as fake:
            yield laboratory.use(fake, self.checkout)

    def trust(self) -> None:
        """The user trusts the project, so that a chat begins without a question."""
        Trust(self.home / ".local" / "state" / "ally" / "trust.json", self.home).trust(self.project)

    def run(self, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        """The command, to its end."""
        command = [sys.executable, "-m", "ally", *words]
        return subprocess.run(
            command, env=self.env, cwd=self.project, input=said, capture_output=True, text=True, timeout=60, check=False
        )

    def shot(self, prompt: str, *options: str) -> "Shot":
        """`ally -p` with its stream on a file."""
        return self._keep(Shot(self, prompt, options))

    def chat(self, *options: str) -> "Chat":
        """The plain chat on a terminal, at its first prompt."""
        self.trust()
        return self._keep(Chat(self, options))

    def close(self) -> None:
        """End what still runs."""
        for child in self.children:
            child.close()

    def marked(self) -> list[int]:
        """The processes whose command line holds the marker."""
        found: list[int] = []
        for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 - fast
            with contextlib.suppress(OSError):
                if self.marker.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                    found.append(int(name))
        return found

    def orphans(self) -> list[int]:
        """The marked processes that are left after the kernel had two seconds to end them."""
        until = time.monotonic() + 2
        while (found := self.marked()) and time.monotonic() < until:
            time.sleep(0.02)
        return found

    def files(self) -> Files:
        """The content of every file of the project."""
        return {
            str(path.relative_to(self.project)): path.read_bytes() for path in self.project.rglob("*") if path.is_file()
        }

    def temporaries(self) -> list[str]:
        """Names of half-written files in the project."""
        names: list[str] = []
        for folder in (self.project, self.project / "new" / "deep"):
            with contextlib.suppress(OSError):
                names += filter(TEMPORARY.fullmatch, os.listdir(folder))  # noqa: PTH208 - fast
        return names

    def strays(self) -> list[str]:
        """Temporary files anywhere in the project and the home folder."""
        places = (self.project, self.home)
        return [str(path) for place in places for path in place.rglob("*") if path.name.endswith(".tmp")]

    def _keep(self, child: Any) -> Any:  # both kinds of children
        self.children.append(child)
        return child


class Shot:
    """`ally -p`, running."""

    def __init__(self, rig: Rig, prompt: str, options: tuple[str, ...]) -> None:
        stem = f"out-{len(rig.children)}"
        self.output, self.errors = rig.home / f"{stem}.json", rig.home / f"{stem}.txt"
        words = ["-p", prompt, "--output-format", "stream-json", "--permission-mode", "bypass", *options]
        with self.output.open("wb") as out, self.errors.open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ally", *words],
                env=rig.env,
                cwd=rig.project,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.pid = self._process.pid

    def is_over(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def wait(self) -> int:
        """The exit code."""
        return self._process.wait(PATIENCE_S)

    def text(self) -> str:
        """Everything it said on both outputs."""
        return self.output.read_text() + self.errors.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """The events that arrived whole."""
        whole, _, _ = self.output.read_bytes().rpartition(b"\n")
        return [json.loads(line) for line in whole.splitlines()]

    def close(self) -> None:
        """End it."""
        if not self.is_over():
            self._process.kill()
            self._process.wait()


class Chat:
    """`ally --plain` on a pseudo-terminal."""

    def __init__(self, rig: Rig, options: tuple[str, ...]) -> None:
        self.terminal = pexpect.spawn(
            sys.executable,
            ["-m", "ally", "--plain", "--permission-mode", "bypass", *options],
            env={**rig.env, "INPUTRC": "/dev/null"},
            cwd=str(rig.project),
            encoding="utf-8",
            timeout=PATIENCE_S,
            dimensions=(40, 200),
        )
        self.pid = self.terminal.pid
        self.said = ""
        self.terminal.setecho(False)
        self.settings = self.modes()
        """How the terminal was before."""
        self.expect("Ctrl-D leaves")
        self.prompt()
        self.at_prompt = self.modes()

    def modes(self) -> list[Any]:
        """What `stty -a` shows."""
        return termios.tcgetattr(self.terminal.child_fd)

    def say(self, text: str) -> None:
        """Type a line."""
        self.terminal.sendline(text)

    def expect(self, text: str) -> None:
        """Wait for a text."""
        self.terminal.expect_exact(text)
        self._note()

    def prompt(self) -> None:
        """Wait until the next message can be typed."""
        self.terminal.expect(PROMPT)
        self._note()

    def stop(self, signalled: Callable[[], object]) -> None:
        """Send a signal and wait until the next message can be typed."""
        self.drain()
        self.terminal.buffer = ""
        signalled()
        heard = ""
        while not re.search(f"{PROMPT}$", heard):
            heard += self.terminal.read_nonblocking(65536, timeout=PATIENCE_S)
        self.said += heard

    def drain(self) -> None:
        """Read what is there, so that the terminal does not fill up."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            while True:
                self.said += self.terminal.read_nonblocking(65536, timeout=0)

    def is_over(self) -> bool:
        """Whether the process has ended; what it says until then is read."""
        self.drain()
        return not self.terminal.isalive()

    def wait(self) -> int:
        """The exit code; negative for a signal."""
        until = time.monotonic() + PATIENCE_S
        while not self.is_over():
            assert time.monotonic() < until, f"it does not end: {self.said[-2000:]}"
            time.sleep(0.002)
        status = self.terminal.exitstatus
        return -int(self.terminal.signalstatus or 0) if status is None else status

    def text(self) -> str:
        """Everything it said."""
        self.drain()
        return self.said

    def close(self) -> None:
        """End it."""
        self.terminal.close(force=True)

    def _note(self) -> None:
        self.said += f"{self.terminal.before}{self.terminal.after}"


def until(reached: Callable[[], object], child: Shot | Chat, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so, or the child has ended."""
    end = time.monotonic() + patience_s
    while not reached() and not child.is_over():
        assert time.monotonic() < end, f"it never came: {child.text()[-2000:]}"
        time.sleep(0.002)


def new_marker(chance: random.Random) -> str:
    """A duration that nothing else sleeps."""
    return f"3127.{os.getpid()}{chance.randrange(10**6):06d}"
