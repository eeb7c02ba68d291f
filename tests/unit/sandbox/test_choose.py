import os
import subprocess
import sys
from pathlib import Path

import pytest

from ally.sandbox import Confinement, Sandbox, choose
from ally.sandbox.probes import run_probes
from tests.unit.sandbox.running import ROOT, run_in


@pytest.mark.parametrize("wanted", ["A", "", "a", "nonsense"])
def test_a_stronger_tier_cannot_be_asked_for(wanted: str):
    assert choose({**os.environ, "ALLY_SANDBOX": wanted}) == choose({**os.environ, "ALLY_SANDBOX": wanted})
    assert choose({**os.environ, "ALLY_SANDBOX": wanted}).tier == choose(os.environ).tier


def test_a_weaker_tier_says_why(landlock: Sandbox, unconfined: Sandbox):
    assert (landlock.name, unconfined.name) == ("landlock", "none")
    for sandbox in (landlock, unconfined):
        assert f"ALLY_SANDBOX={sandbox.tier}" in sandbox.reason


def test_a_program_called_bwrap_in_the_folder_or_on_the_path_is_never_run(tmp_path: Path):
    trap = tmp_path / "bwrap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    trap.chmod(0o755)
    line = "import os; from ally.sandbox import choose; print(choose(os.environ).tier)"
    env = {"PATH": f"{tmp_path}:.:{os.environ['PATH']}", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == choose(os.environ).tier
    assert not (tmp_path / "ran").exists()


def test_where_namespaces_are_refused_the_tier_is_b_and_the_reason_is_bubblewraps(
    bubblewrap: Sandbox, landlock: Sandbox
):
    line = "import os; from ally.sandbox import choose; s = choose(os.environ); print(s.tier, s.reason)"
    confinement = Confinement(ROOT / "ally", is_read_only=True, readable=(ROOT,))
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    done = run_in(bubblewrap, confinement, sys.executable, "-c", path + line)
    assert done.stdout.startswith("B "), done.stdout + done.stderr
    assert "bubblewrap does not work here: bwrap:" in done.stdout


def test_a_sandbox_that_cannot_run_the_probes_is_not_called_tight(home: Path):
    class Broken:
        tier, name, reason = "A", "broken", ""

        def launch(self, argv: object, confinement: object) -> object:
            raise OSError("no such thing")

        def with_environment(self, env: object) -> "Broken":
            return self

    (probe,) = run_probes(Broken())
    assert not probe.blocked and "no such thing" in probe.detail
