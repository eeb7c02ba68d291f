"""`python -m benchmarks.tui`: from exec to a typed key on the screen, and how keys lag while the rest is loaded.

Every program runs on a pseudo-terminal of 120 x 30 that answers the questions of its programs. A letter is typed every
20 ms from the moment at which the program, and not the kernel, shows what is typed; runs are interleaved.
`python -m benchmarks.peers` installs the peers.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import peers
from benchmarks.programs import serve
from benchmarks.report import RESULTS, describe_machine
from benchmarks.tui_programs import (
    ALLY,
    FLOOR,
    MODEL,
    PLAIN,
    Program,
    environment_of,
    list_own,
    list_peers,
    make_llm,
    settle,
)
from benchmarks.tui_terminal import Terminal, Typed
from benchmarks.warm_agents import fill

HOW = """\
paint: the first visible character. key: the first typed letter is on the screen. loaded: the model's name is shown.
lag: from the press of a later letter to the screen, one every 20 ms, all runs together. Medians of the runs; lost: keys
that were never shown.
"""
KEY_LIMIT = 0.5
LAG_LIMIT_MS = 100


def measure(program: Program, url: str, seconds: float) -> Typed:
    """One start in a home of its own, the second in it: the first may do what is done only once."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        settle(program.agent, home, url)
        words = [fill(word, home, url) for word in program.agent.words]
        typed = Typed()
        for _ in range(2):
            terminal = Terminal(words, environment_of(program.agent, home, url), home / "work")
            try:
                typed = terminal.watch(seconds, program.mark)
            finally:
                terminal.close()
        return typed


def _measure_all(programs: Sequence[Program], rounds: int, seconds: float) -> dict[str, list[Typed]]:
    seen: dict[str, list[Typed]] = {program.title: [] for program in programs}
    with serve(MODEL) as url:
        for number in range(rounds):
            for program in programs:
                typed = measure(program, url, seconds)
                seen[program.title].append(typed)
                print(f"{number + 1}/{rounds} {program.title}: {_seconds([typed], _usable)}", file=sys.stderr)
    return seen


def _usable(typed: Typed) -> float | None:
    return typed.usable_s


def _median(runs: Sequence[Typed], value: Callable[[Typed], float | None]) -> float | None:
    values = [found for run in runs if (found := value(run)) is not None]
    return statistics.median(values) if values else None


def _seconds(runs: Sequence[Typed], value: Callable[[Typed], float | None]) -> str:
    median = _median(runs, value)
    return "-" if median is None else f"{median:.2f}"


def _table(programs: Sequence[Program], seen: Mapping[str, Sequence[Typed]], notes: Sequence[str]) -> str:
    base = _median(seen[FLOOR], _usable) if FLOOR in seen else None
    others = [program for program in programs if program.screen != "Python"]
    foreign = {program.title for program in others}
    lines = [
        "| program | paint s | key s | x | loaded s | lag median ms | p95 ms | max ms | lost |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(title, runs, base) for title, runs in seen.items()),
        "",
        f"x: multiple of `{FLOOR}`.",
        *(f"The screen of {program.title} is not Python but {program.screen}." for program in others),
        *notes,
        "",
        *_judge(seen, foreign),
    ]
    return "\n".join(lines) + "\n"


def _row(title: str, runs: Sequence[Typed], base: float | None) -> str:
    usable = _median(runs, _usable)
    ratio = f"{usable / base:.2f}" if usable and base else "-"
    lags = sorted(lag * 1000 for run in runs for lag in run.lags_s)
    figures = [f"{lags[len(lags) // 2]:.0f}", f"{lags[len(lags) * 95 // 100]:.0f}", f"{lags[-1]:.0f}"] if lags else []
    cells = [
        _seconds(runs, lambda run: run.painted_s),
        _seconds(runs, _usable),
        ratio,
        _seconds(runs, lambda run: run.loaded_s),
        *(figures or ["-"] * 3),
        str(sum(run.lost for run in runs)),
    ]
    return f"| `{title}` | {' | '.join(cells)} |"


def _judge(seen: Mapping[str, Sequence[Typed]], foreign: Collection[str]) -> list[str]:
    """The goals: half of the best other Python program, and no key later than 100 ms."""
    own_titles = (ALLY, PLAIN, FLOOR)
    others = {title: _median(runs, _usable) for title, runs in seen.items() if title not in (*own_titles, *foreign)}
    known = {title: value for title, value in others.items() if value}
    own = _median(seen.get(ALLY, ()), _usable)
    if own is None or not known:
        return []
    best = min(known, key=lambda title: known[title])
    share = own / known[best]
    worst = max((lag * 1000 for run in seen[ALLY] for lag in run.lags_s), default=0.0)
    return [
        f"- {_met(share <= KEY_LIMIT)} {ALLY}: first key <= {KEY_LIMIT:g} x {best} (measured {share:.2f})",
        f"- {_met(worst <= LAG_LIMIT_MS)} {ALLY}: no key later than {LAG_LIMIT_MS} ms (measured {worst:.0f})",
    ]


def _met(is_met: bool) -> str:
    return "met   " if is_met else "MISSED"


def main() -> int:
    """Measure; exit 1 with --strict if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tui", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", type=Path, default=peers.FOLDER, metavar="DIR", help="where the peers are installed")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these programs only")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program (median; default 5)")
    parser.add_argument("--seconds", type=float, default=2.5, help="how long is typed after the first key")
    parser.add_argument("--no-save", action="store_true", help="leave benchmarks/results/ as it is")
    parser.add_argument("--show", action="store_true", help="write what the programs painted to standard error")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed")
    args = parser.parse_args()
    installed, notes = list_peers(args.peers.resolve())
    programs = [*list_own(), make_llm(), *installed]
    wanted = [program for program in programs if not args.only or program.title.split(" ")[0] in args.only]
    seen = _measure_all(wanted, args.rounds, args.seconds)
    if args.show:
        for title, runs in seen.items():
            print(title, repr(runs[-1].output[:6000]), file=sys.stderr)
    text = _table(wanted, seen, notes)
    if not args.no_save:
        _save(f"{HOW}\n{text}", seen)
    print(text, end="")
    return 1 if args.strict and "MISSED" in text else 0


def _save(text: str, seen: Mapping[str, Sequence[Typed]]) -> None:
    machine = describe_machine()
    (RESULTS / "tui.md").write_text(f"# From exec to a typed key\n\n{machine}\n\n{text}", encoding="utf-8")
    runs = {title: [{**asdict(run), "output": None} for run in each] for title, each in seen.items()}
    (RESULTS / "tui.json").write_text(json.dumps({"machine": machine, "runs": runs}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
