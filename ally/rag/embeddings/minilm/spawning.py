"""Starting Python processes of Ally's own that need little of it."""

import json
import os
import sys
from pathlib import Path
from typing import TypedDict

from ally.config.secrets import without_secrets
from ally.egress.quiet import silence

_BEGIN = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[1])
sys.argv[:] = sys.argv[2:]
importlib.import_module(sys.argv[0]).main()
"""


class Surroundings(TypedDict):
    """Keyword arguments of Popen."""

    env: dict[str, str]
    cwd: Path
    start_new_session: bool


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs `main` of `module` with `arguments` in `sys.argv[1:]`.

    Nothing of the working folder or the environment is imported, only what this process would import.
    """
    import ally  # late: only its place

    path = [*(entry for entry in sys.path if entry), str(Path(ally.__file__).parent.parent)]
    return [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BEGIN, json.dumps(path), module, *arguments]


def surroundings() -> Surroundings:
    """How such a process is started: without keys and telemetry, and Ctrl-C in the terminal is not for it."""
    env = without_secrets(os.environ)
    silence(env)
    return {"env": env, "cwd": Path(sys.executable).parent, "start_new_session": True}
