"""The other agents that are measured, as `peers.json` pins them; `python -m benchmarks.peers FOLDER` installs them."""

import argparse
import json
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

    `files` are written into its home. In words, values and files `{task}`, `{url}` (with /v1) and `{home}` are filled
    in. `finish`: the tool that it wants called with its last answer.
    """

    name: str
    version: str
    installer: Literal["npm", "pip"]
    packages: tuple[str, ...]
    program: str
    words: tuple[str, ...]
    environment: Mapping[str, str]
    files: Mapping[str, Any] = field(default_factory=dict)
    finish: str = ""


def load_peers() -> list[Peer]:
    """All peers of `peers.json`."""
    return [Peer(**row) for row in json.loads(PEERS.read_text(encoding="utf-8"))["peers"]]


def install(peer: Peer, folder: Path) -> str:
    """Install a peer under `folder/NAME`; what went wrong, or an empty text."""
    place = folder / peer.name
    place.mkdir(parents=True, exist_ok=True)
    if peer.installer == "pip":
        bootstrap.make_venv(place)
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
