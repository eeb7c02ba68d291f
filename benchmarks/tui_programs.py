"""What is started on a terminal: Ally, a floor, llm and the agents that `benchmarks.peers` installed."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import Peer, load_peers
from benchmarks.programs import find_ally, install_llm
from benchmarks.warm_agents import Agent, fill, lay_out

MODEL = "bench-model"
FLOOR = "Textual with one input"
PLAIN = "ally --plain"
ALLY = "ally"
LLM = "llm chat"
_INPUT = """
from textual.app import App
from textual.widgets import Input
class Floor(App):
    def compose(self):
        yield Input()
Floor().run()
"""


@dataclass(frozen=True, slots=True)
class Program:
    """One program; `mark` is shown by it as soon as everything is loaded, empty where nothing says so.

    `screen` is what its screen is written in.
    """

    title: str
    agent: Agent
    mark: str = ""
    screen: str = "Python"


def list_own() -> list[Program]:
    """Ally on the whole screen and in plain lines, and the least that Textual can be."""
    endpoint = {"compatible": "openai", "base_url": "{url}", "default_model": MODEL}
    settings = {"provider": "bench", "endpoints": {"bench": endpoint}}
    trusted = {"version": 1, "folders": {"{home}/work": True}}
    files: Mapping[str, Any] = {"ally/config.json": settings, "ally/trust.json": trusted}
    variables = {"ALLY_HOME": "{home}/ally"}
    return [
        Program(FLOOR, Agent(FLOOR, [sys.executable, "-c", _INPUT], {}, {})),
        Program(ALLY, Agent(ALLY, [find_ally()], variables, files), MODEL),
        Program(PLAIN, Agent(PLAIN, [find_ally(), "--plain"], variables, files)),
    ]


def make_llm() -> Program:
    """llm, installed on first use."""
    models = "- model_id: bench\n  model_name: m\n  api_base: {url}\n"
    words = [str(install_llm().with_name("llm")), "chat", "-m", "bench"]
    return Program(LLM, Agent(LLM, words, {"LLM_USER_PATH": "{home}/llm"}, {"llm/extra-openai-models.yaml": models}))


def list_peers(folder: Path) -> tuple[list[Program], list[str]]:
    """(the peers that are installed in `folder`, a line for each that is not)."""
    programs: list[Program] = []
    missing: list[str] = []
    for peer in load_peers():
        if not peer.chat:
            continue
        title = f"{peer.name} {peer.version}"
        if (folder / peer.name / peer.program).exists():
            programs.append(Program(title, _agent(peer, title, folder), screen=peer.screen))
        else:
            missing.append(f"{title} is not installed and was left out.")
    return programs, missing


def _agent(peer: Peer, title: str, folder: Path) -> Agent:
    program = folder / peer.name / peer.program
    return Agent(title, [str(program), *peer.chat], peer.environment, peer.files, str(program.parent))


def environment_of(agent: Agent, home: Path, url: str) -> dict[str, str]:
    """The variables that the program sees: those of a terminal with all colours."""
    path = os.pathsep.join([*filter(None, [agent.path]), os.environ["PATH"]])
    terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "DO_NOT_TRACK": "1"}
    own = {name: fill(value, home, url) for name, value in agent.environment.items()}
    return {"HOME": str(home), "PATH": path, **terminal, **own}


def settle(agent: Agent, home: Path, url: str) -> None:
    """Make its home and the folder it works in."""
    (home / "work").mkdir(parents=True, exist_ok=True)
    lay_out(agent, home, url)
    for file in home.rglob("trust.json"):
        file.chmod(0o600)
