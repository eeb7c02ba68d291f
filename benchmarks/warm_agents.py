"""Ally and its peers as commands: each with a home of its own, pointed at one address."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import Peer
from benchmarks.programs import find_ally
from benchmarks.warm_script import TASK

TIMEOUT_S = 1_800
_QUIET = {"LANG": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1", "DO_NOT_TRACK": "1", "CI": "1"}


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent: what starts it. `{task}`, `{url}` and `{home}` are filled in, also inside `files`.

    `finish`: the tool that it wants called with the last answer. `weights`: what it is told of the size of the model,
    0 for the truth.
    """

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    files: Mapping[str, Any]
    path: str = ""
    finish: str = ""
    weights: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """One run of a program; times are of the clock that all processes share."""

    begun: float
    ended: float
    code: int
    output: str
    errors: str


def make_ally(*words: str, name: str = "Ally", weights: int = 0) -> Agent:
    """Ally, started with `words`."""
    settings = {"provider": "llamacpp", "provider_options": {"llamacpp": {"base_url": "{url}"}}}
    environment = {"ALLY_HOME": "{home}/ally"}
    return Agent(name, [find_ally(), *words], environment, {"ally/config.json": settings}, weights=weights)


def make_peer(peer: Peer, folder: Path) -> Agent | None:
    """The peer as it is installed in `folder`; None if it is not."""
    program = folder / peer.name / peer.program
    if not program.exists():
        return None
    words = [str(program), *peer.words]
    name = f"{peer.name} {peer.version}"
    return Agent(name, words, peer.environment, peer.files, str(program.parent), peer.finish)


def lay_out(agent: Agent, home: Path, url: str) -> None:
    """Write the files of its home, so that it finds the server at `url` (with /v1)."""
    for name, content in agent.files.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        file.write_text(fill(text, home, url), encoding="utf-8")


def run(agent: Agent, home: Path, url: str, typed: str = "") -> Ended:
    """Run it once in `home/work`; `typed` comes from its standard input.

    Raises:
        RuntimeError: it did not end within half an hour.
    """
    words = [fill(word, home, url).replace("{task}", TASK) for word in agent.words]
    environment = _QUIET | {
        "HOME": str(home),
        "PATH": os.pathsep.join([*filter(None, [agent.path]), os.environ["PATH"]]),
    }
    environment |= {name: fill(value, home, url) for name, value in agent.environment.items()}
    begun = time.monotonic()
    with subprocess.Popen(
        words,
        cwd=home / "work",
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(typed.encode(), TIMEOUT_S)
        except subprocess.TimeoutExpired as exc:
            raise RuntimeError(f"{agent.name} did not end within {TIMEOUT_S} s") from exc
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # also what it left behind
    ended = time.monotonic()
    return Ended(begun, ended, process.returncode, output.decode(errors="replace"), errors.decode(errors="replace"))


def fill(text: str, home: Path, url: str) -> str:
    """`text` with the address of the server and the home of the agent in it."""
    return text.replace("{url}", url).replace("{home}", str(home))
