"""A working folder, and commands run in a sandbox as a tool runs them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.sandbox import Confinement, Sandbox, choose
from tests.unit.sandbox.running import run_in

if not sys.platform.startswith("linux"):
    pytest.skip("sandboxes are for Linux", allow_module_level=True)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty working folder."""
    folder = Path(os.path.realpath(tmp_path)) / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def bubblewrap() -> Sandbox:
    """Tier A, or a skip that says why it cannot be had here."""
    sandbox = choose(os.environ)
    if sandbox.tier != "A":
        pytest.skip(f"no sandbox of tier A here: {sandbox.reason}")
    return sandbox


@pytest.fixture
def landlock() -> Sandbox:
    """Tier B, or a skip that says why it cannot be had here."""
    sandbox = choose({**os.environ, "ALLY_SANDBOX": "B"})
    if sandbox.tier != "B":
        pytest.skip(f"no sandbox of tier B here: {sandbox.reason}")
    return sandbox


@pytest.fixture
def unconfined() -> Sandbox:
    """Tier C."""
    return choose({**os.environ, "ALLY_SANDBOX": "C"})


@pytest.fixture
def git() -> str:
    """The program git, or a skip."""
    program = shutil.which("git")
    return program or pytest.skip("git is not installed")


@pytest.fixture
def sh(bubblewrap: Sandbox) -> Run:
    """Run a line of sh in tier A."""

    def run(line: str, root: Path, **wanted: object) -> subprocess.CompletedProcess[str]:
        confinement = Confinement(root, **wanted)  # type: ignore[arg-type]  # whatever the test gives
        return run_in(bubblewrap, confinement, "/bin/sh", "-c", line)

    return run
