"""`python -m benchmarks`: measures start-up and one prompt, prints the table and keeps it in `benchmarks/results/`."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.local import Pace, time_answer
from benchmarks.measure import run_in_turn
from benchmarks.programs import ask_local, list_startups, open_questions
from benchmarks.report import describe_machine, save, write_table


def main() -> int:
    """Measure; exit 1 with --strict if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
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
    table = write_table(costs, pace)
    print(describe_machine(), table, sep="\n\n", end="")
    if not args.no_save:
        save(costs, pace, args.rounds)
    return 1 if args.strict and "MISSED" in table else 0


if __name__ == "__main__":
    sys.exit(main())
