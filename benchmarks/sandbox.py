"""`python -m benchmarks.sandbox`: what running one command in the sandbox costs beside running it bare."""

import os
import statistics
import subprocess
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


def report() -> str:
    """One line for every tier that this machine has."""
    best = choose(os.environ)
    tiers = [best, *(choose({**os.environ, "ALLY_SANDBOX": tier}) for tier in "BC" if tier > best.tier)]
    return "\n".join(_describe(sandbox, *measure(sandbox)) for sandbox in tiers)


def _describe(sandbox: Sandbox, bare_ms: float, confined_ms: float) -> str:
    cost = confined_ms - bare_ms
    mark = "met   " if cost <= GOAL_MS else "MISSED"
    return (
        f"- {mark} tier {sandbox.tier} ({sandbox.name}): a command takes <= {GOAL_MS:g} ms longer (measured {cost:.1f};"
        f" `true` in it {confined_ms:.1f} ms, bare {bare_ms:.1f} ms, median of {ROUNDS})"
    )


if __name__ == "__main__":
    print(report())
