"""The figures of one run as a table for people and as JSON for the next run."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.goals import ASK, BARE, GOALS, LLM
from benchmarks.local import Pace
from benchmarks.measure import Cost

RESULTS = Path(__file__).with_name("results")


def write_table(costs: dict[str, Cost], pace: Pace | None) -> str:
    """A Markdown table: every row beside what it is compared with, then the goals."""
    lines = [
        "| command | wall s | x | CPU s | x | peak MB | x | exit ms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(title, cost, costs[LLM if title in {ASK, LLM} else BARE]) for title, cost in costs.items()),
        "",
        f"x: multiple of `{BARE}`, or of `{LLM}` for the rows that ask a server. exit: from the last byte to the end.",
    ]
    if pace:
        lines += ["", _describe(pace)]
    judged = [(goal, *goal.judge(costs)) for goal in GOALS if goal.row in costs]
    lines += ["", *(f"- {'met   ' if met else 'MISSED'} {goal} (measured {value:.2f})" for goal, value, met in judged)]
    return "\n".join(lines) + "\n"


def _row(title: str, cost: Cost, base: Cost) -> str:
    pairs = (
        f"{value:.{digits}f} | {value / other:.2f}"
        for value, other, digits in (
            (cost.wall_s, base.wall_s, 3),
            (cost.cpu_s, base.cpu_s, 3),
            (cost.peak_mb, base.peak_mb, 0),
        )
    )
    return f"| `{title}` | {' | '.join(pairs)} | {cost.exit_s * 1000:.0f} |"


def _describe(pace: Pace) -> str:
    return (
        f"Embedded engine with the starter model: first token after {pace.first_token_s:.1f} s (start and loading "
        f"included), then {pace.tokens_per_s:.0f} tokens/s over {pace.tokens:.0f} tokens; {pace.wall_s:.1f} s in all, "
        f"{pace.exit_s * 1000:.0f} ms from the answer to the end, {pace.peak_mb:.0f} MB in all its processes."
    )


def describe_machine() -> str:
    """What the figures were measured on, without naming the machine."""
    today = datetime.now(UTC).date()
    load = os.getloadavg()[0]
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
    return f"{today}, Python {platform.python_version()}, {system}. Compare rows, not runs."


@dataclass(frozen=True, slots=True)
class Run:
    """What one run measured; `text` is all of it for people."""

    costs: dict[str, Cost]
    pace: Pace | None
    rounds: int
    text: str


def save(run: Run) -> None:
    """Write `results/latest.md` and `results/latest.json`."""
    machine = describe_machine()
    (RESULTS / "latest.md").write_text(f"# Start-up and one prompt\n\n{machine}\n\n{run.text}", encoding="utf-8")
    figures = {
        "machine": machine,
        "rounds": run.rounds,
        "costs": {title: asdict(cost) for title, cost in run.costs.items()},
        "local": asdict(run.pace) if run.pace else None,
    }
    (RESULTS / "latest.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
