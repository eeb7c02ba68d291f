"""`python -m benchmarks`: measures what Ally costs, prints it and keeps it in `benchmarks/results/`.

Start-up and one prompt here; `agent`, `sandbox`, `sessions` and `checkpoints` are modules of their own, which also run
alone: `python -m benchmarks.agent`. What takes many minutes runs only alone: `tui` and `warm` (beside the peers that
`benchmarks.peers` installed), `tool_choice` and `warm_long`.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import agent, checkpoints, sandbox, sessions
from benchmarks.local import Pace, time_answer
from benchmarks.measure import run_in_turn
from benchmarks.programs import ask_local, list_startups, open_questions
from benchmarks.report import Run, describe_machine, save, write_table

SECTIONS = {
    "A turn with tools": agent.report,
    "A command in the sandbox": sandbox.report,
    "A session on disk": sessions.report,
    "Snapshots for undo": checkpoints.report,
}


def main() -> int:
    """Measure; exit 1 with --strict if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11, help="runs of each command (median; default 11)")
    parser.add_argument("--no-local", action="store_true", help="leave the embedded engine out")
    parser.add_argument("--no-save", action="store_true", help="leave benchmarks/results/ as it is")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = run_in_turn(list_startups(Path(folder)), args.rounds)
        with open_questions() as questions:
            costs |= run_in_turn(questions, args.rounds)
        pace: Pace | None = None
        if not args.no_local:
            pace = time_answer(ask_local(Path(folder)), max(1, args.rounds // 4))
    text = write_table(costs, pace) + "".join(f"\n## {title}\n\n{report()}\n" for title, report in SECTIONS.items())
    print(describe_machine(), text, sep="\n\n", end="")
    if not args.no_save:
        save(Run(costs, pace, args.rounds, text))
    return 1 if args.strict and "MISSED" in text else 0


if __name__ == "__main__":
    sys.exit(main())
