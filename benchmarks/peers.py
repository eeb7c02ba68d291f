"""The other agents that are measured, as `peers.json` pins them; `python -m benchmarks.peers FOLDER` installs them."""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import bootstrap

PEERS = Path(__file__).with_name("peers.json")
FOLDER = Path(__file__).resolve().parents[1] / ".venv-bench" / "peers"


@dataclass(frozen=True, slots=True)
class Peer:
    """One agent: how it is installed, and how it is pointed at a server.

    `words` make it do a task and end, `chat` talk on a terminal; empty where that is not measured. `python` is the
    interpreter that it needs where this one is too old, `screen` what its screen is written in. `files` are written
    into its home. In words, values and files `{task}`, `{url}` (with /v1) and `{home}` are filled in. `finish`: the
    tool that it wants called with its last answer.
    """

    name: str
    version: str
    installer: Literal["npm", "pip"]
    packages: tuple[str, ...]
    program: str
    environment: Mapping[str, str]
    words: tuple[str, ...] = ()
    chat: tuple[str, ...] = ()
    files: Mapping[str, Any] = field(default_factory=dict)
    finish: str = ""
    python: str = ""
    screen: str = "Python"


def load_peers() -> list[Peer]:
    """All peers of `peers.json`."""
    return [Peer(**row) for row in json.loads(PEERS.read_text(encoding="utf-8"))["peers"]]


def install(peer: Peer, folder: Path) -> str:
    """Install a peer under `folder/NAME`; what went wrong, or an empty text."""
    place = folder / peer.name
    place.mkdir(parents=True, exist_ok=True)
    if peer.installer == "pip":
        if problem := _make_venv(place, peer.python):
            return problem
        words = [str(bootstrap.python_of(place)), "-m", "pip", "install", "--quiet", *peer.packages]
    else:
        (place / "package.json").write_text("{}\n", encoding="utf-8")
        words = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *peer.packages]
    try:
        done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as exc:
        return str(exc)
    return (
        "" if done.returncode == 0 and (place / peer.program).exists() else done.stderr.strip()[-400:] or "no program"
    )


def _make_venv(place: Path, python: str) -> str:
    if not python:
        bootstrap.make_venv(place)
        return ""
    if (found := shutil.which(python)) is None:
        return f"it needs {python}, which is not there"
    subprocess.run([found, "-m", "venv", "--clear", str(place)], check=True)
    return ""


def main() -> int:
    """Install all; exit 1 if one of them cannot be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    problems = {peer.name: install(peer, folder.resolve()) for peer in load_peers()}
    for name, problem in problems.items():
        print(f"{name}: {problem or 'installed'}")
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
