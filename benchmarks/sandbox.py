"""`python -m benchmarks.sandbox`: what running one command in the sandbox costs beside running it bare."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ally.sandbox import Confinement, Sandbox, choose

GOAL_MS = 30.0
ROUNDS = 50
WORDS = ["/bin/true"]


def measure(sandbox: Sandbox, rounds: int = ROUNDS) -> tuple[float, float]:
    """(bare, in the sandbox): the median milliseconds of one `true`, preparation and cleaning up included."""
    bare: list[float] = []
    confined: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder))
        (root / ".git" / "hooks").mkdir(parents=True)
        (root / ".env").write_text("KEY=1", encoding="utf-8")
        confinement = Confinement(root, masks=(root / ".env",))
        for number in range(rounds + 1):
            for kept, run in ((bare, _run_bare), (confined, lambda: _run_confined(sandbox, confinement))):
                begun = time.perf_counter()
                run()
                if number:  # the first round warms up
                    kept.append((time.perf_counter() - begun) * 1000)
    return statistics.median(bare), statistics.median(confined)


def _run_bare() -> None:
    subprocess.run(WORDS, check=True, stdin=subprocess.DEVNULL)


def _run_confined(sandbox: Sandbox, confinement: Confinement) -> None:
    with sandbox.launch(WORDS, confinement) as launch:
        subprocess.run(
            launch.argv,
            env=launch.env,
            cwd=launch.cwd,
            pass_fds=launch.pass_fds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            check=True,
        )


def describe(sandbox: Sandbox, bare_ms: float, confined_ms: float) -> str:
    """One line for people."""
    cost = confined_ms - bare_ms
    verdict = "met" if cost <= GOAL_MS else "MISSED"
    return (
        f"sandbox {sandbox.tier} ({sandbox.name}): {cost:.1f} ms a command (`true` in it {confined_ms:.1f} ms, bare "
        f"{bare_ms:.1f} ms, median of {ROUNDS}); goal <= {GOAL_MS:g} ms {verdict}"
    )


def main() -> int:
    """Measure every tier that this machine has; 1 if one misses the goal."""
    best = choose(os.environ)
    sandboxes = [best, *(choose({**os.environ, "ALLY_SANDBOX": tier}) for tier in "BC" if tier > best.tier)]
    missed = False
    for sandbox in sandboxes:
        bare, confined = measure(sandbox)
        missed |= confined - bare > GOAL_MS
        print(describe(sandbox, bare, confined))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
