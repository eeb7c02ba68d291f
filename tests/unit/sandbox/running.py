"""Running a command in a sandbox as the shell tool does."""

import subprocess
from pathlib import Path

from ally.sandbox import Confinement, Sandbox

ROOT = Path(__file__).resolve().parents[3]


def run_in(sandbox: Sandbox, confinement: Confinement, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command and wait for it."""
    with sandbox.launch(words, confinement) as launch:
        return subprocess.run(
            launch.argv,
            env=launch.env,
            cwd=launch.cwd,
            pass_fds=launch.pass_fds,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )
