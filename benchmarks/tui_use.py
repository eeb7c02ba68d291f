"""`python -m benchmarks.tui_use`: an hour of use in minutes: what Ally's screen holds, and how late keys are shown.

The real program on a pseudo-terminal of its own, with a service that answers as soon as it is asked. A message follows
the other without a pause: short and long answers, Markdown, code, thinking, tools; between them pages are scrolled,
cards opened, windows resized, agents and modes changed. `--messages 2000` is the long form.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.report import RESULTS, describe_machine
from benchmarks.tui_programs import environment_of, list_own, settle
from benchmarks.tui_use_service import MODEL, Service
from benchmarks.tui_use_terminal import Use, resident_mb, used_s
from benchmarks.warm_agents import fill

HOW = """\
Keys: from the press of a letter to its cell, a letter at a time. floor: the same in a program of Textual with one
input, on another terminal in between, so that what the machine adds is known. Memory: resident, of Ally's own process.
"""
MARKS = (100, 500, 1000, 2000)
GROWTH_LIMIT_MB = 50
LAG_LIMIT_MS = 50
PATIENCE_S = 120.0
WINDOW = 128_000
SIZES = ((100, 30), (60, 20), (160, 45), (40, 12), (120, 30))
_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
_ENTER, _TAB, _BACKTAB, _UP, _DOWN, _END, _OPEN = "\r", "\t", "\x1b[Z", "\x1b[5~", "\x1b[6~", "\x1b[1;5F", "\x0f"
_KINDS = ("short",) * 8 + ("markdown",) * 4 + ("code",) * 2 + ("think",) * 2 + ("shell", "read", "write", "shell")
_ALLOWED = ("shell(echo *)", "shell(ls)", "shell(seq *)", "write(made.txt)")


@dataclass(slots=True)
class Seen:
    """What was measured: seconds by what went on, and (message, MB, CPU seconds)."""

    lags_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    held: list[tuple[int, float, float]] = field(default_factory=list[tuple[int, float, float]])
    lost: int = 0
    stuck: list[int] = field(default_factory=list[int])
    summaries: int = 0
    wall_s: float = 0.0

    def note(self, what: str, lag: float | None) -> None:
        """Keep one letter's time."""
        if lag is not None:
            self.lags_s.setdefault(what, []).append(lag)


class Day:
    """One run of the program and of the floor beside it."""

    def __init__(self, use: Use, floor: Use, service: Service) -> None:
        self._use, self._floor, self._service = use, floor, service
        self._chance = random.Random(1)
        self.seen = Seen()

    def spend(self, messages: int) -> Seen:
        """Say so many messages."""
        begun = time.monotonic()
        for number in range(1, messages + 1):
            kind = self._kind(number)
            self._use.press(f"{_PASTE}message {number}: {kind}{_PASTED}{_ENTER}")
            if number % 29:  # else the next one is typed while this one is answered
                self._watch(number, kind)
            self._do_besides(number)
            if number in MARKS or number == messages:
                self._hold(number)
        self.seen.wall_s = time.monotonic() - begun
        self.seen.lost, self.seen.summaries = self._use.lost, self._service.summaries
        return self.seen

    def _kind(self, number: int) -> str:
        special = {60: "stream", 100: "output", 150: "long", 250: "fence"}
        for every, kind in special.items():
            if number % every == every // 2:
                return kind
        return self._chance.choice(_KINDS)

    def _watch(self, number: int, kind: str) -> None:
        """Press letters until the answer is out, or until it is painted where that takes long."""
        what = {"stream": "200 tokens/s", "long": "5,000 lines", "fence": "a fence of 5,000 lines"}.get(kind, "answers")
        until = time.monotonic() + PATIENCE_S
        self.seen.note(what, self._use.time_letter())
        while self._service.answered < number:
            if self._use.is_over or time.monotonic() > until:
                self.seen.stuck.append(number)
                return
            self._use.rest(0.02)
            if what != "answers":
                self.seen.note(what, self._use.time_letter())
        if what in ("5,000 lines", "a fence of 5,000 lines"):
            for _ in range(20):
                self.seen.note(what, self._use.time_letter())
                self._use.rest(0.03)

    def _do_besides(self, number: int) -> None:
        use = self._use
        if number % 7 == 0:
            use.press(_UP * self._chance.randint(1, 6) + _DOWN)
            self.seen.note("scrolled", use.time_letter())
            use.press(_END)
        if number % 11 == 0:
            use.press(_OPEN)
            use.press(_OPEN if number % 22 else "")
        if number % 13 == 0:
            use.resize(*SIZES[number // 13 % len(SIZES)])
        if number % 17 == 0:
            use.press(f"{_PASTE}/status{_PASTED}{_ENTER}")
        if number % 19 == 0:
            use.press(f"{_BACKTAB}{_PASTE}/permissions mode bypass{_PASTED}{_ENTER}")
        if number % 97 == 0:
            use.press(_TAB)
        if number % 5 == 0:
            self.seen.note("between", use.time_letter())
            self.seen.note("floor", self._floor.time_letter())

    def _hold(self, number: int) -> None:
        self._use.wait(lambda: self._service.answered >= number, PATIENCE_S)
        self._use.rest(2)
        self.seen.held.append((number, resident_mb(self._use.pid), used_s(self._use.pid)))
        print(f"{number} messages: {self.seen.held[-1][1]:.0f} MB", file=sys.stderr)


def measure(messages: int) -> Seen:
    """A whole run in a home of its own."""
    own = {program.title: program.agent for program in list_own()}
    floor, agent = own["Textual with one input"], own["ally"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Service() as service:
        home = Path(folder)
        settle(agent, home, service.url)
        _adjust(home / "ally" / "config.json")
        (home / "work" / "notes.txt").write_text("a note\n" * 40, encoding="utf-8")
        runs = [
            Use([fill(word, home, service.url) for word in words], environment, home / "work")
            for each, words in ((agent, [*agent.words, "--permission-mode", "bypass"]), (floor, floor.words))
            for environment in [environment_of(each, home, service.url)]
        ]
        try:
            for run in runs:
                run.wait_for_keys()
                run.rest(4)
            return Day(runs[0], runs[1], service).spend(messages)
        finally:
            for run in runs:
                run.close()


def _adjust(config: Path) -> None:
    settings = json.loads(config.read_text(encoding="utf-8"))
    settings["endpoints"]["bench"] |= {"models": [MODEL], "context_window": WINDOW}
    settings["permissions"] = {"allow": list(_ALLOWED), "deny": []}
    config.write_text(json.dumps(settings), encoding="utf-8")


def _table(seen: Seen, messages: int) -> str:
    lines = ["| keys while | n | median ms | p95 ms | max ms |", "|---|---:|---:|---:|---:|"]
    lines += [_row(what, lags) for what, lags in sorted(seen.lags_s.items())]
    lines += ["", "| after message | MB | CPU s |", "|---:|---:|---:|"]
    lines += [f"| {number} | {size:.0f} | {cpu:.0f} |" for number, size, cpu in seen.held]
    lines += [
        "",
        f"{messages} messages in {seen.wall_s:.0f} s, {seen.summaries} summaries of a window of {WINDOW:,} tokens, "
        f"{seen.lost} letters lost, {len(seen.stuck)} messages without an answer.",
        "",
        *_judge(seen),
    ]
    return "\n".join(lines) + "\n"


def _row(what: str, lags: Sequence[float]) -> str:
    middle, high, most = (_share(lags, share) for share in (0.5, 0.95, 1.0))
    return f"| {what} | {len(lags)} | {middle:.0f} | {high:.0f} | {most:.0f} |"


def _share(lags: Sequence[float], share: float) -> float:
    """The lag in ms that this share of the letters does not exceed."""
    ordered = sorted(lags)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


def _judge(seen: Seen) -> list[str]:
    lags = [lag for what, each in seen.lags_s.items() if what != "floor" for lag in each]
    high, growth = _share(lags, 0.95), seen.held[-1][1] - seen.held[0][1]
    span = f"message {seen.held[0][0]} to {seen.held[-1][0]}"
    return [
        f"- {_met(high <= LAG_LIMIT_MS)} p95 of all keys <= {LAG_LIMIT_MS} ms (measured {high:.0f})",
        f"- {_met(growth <= GROWTH_LIMIT_MB)} growth from {span} <= {GROWTH_LIMIT_MB} MB (measured {growth:.0f})",
        f"- {_met(not seen.lost and not seen.stuck)} no letter lost, no message without an answer",
    ]


def _met(is_met: bool) -> str:
    return "met   " if is_met else "MISSED"


def main() -> int:
    """Measure; exit 1 with --strict if a goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tui_use", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--messages", type=int, default=300, help="how many are said (default 300)")
    parser.add_argument("--no-save", action="store_true", help="leave benchmarks/results/ as it is")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed")
    args = parser.parse_args()
    seen = measure(args.messages)
    text = _table(seen, args.messages)
    if not args.no_save:
        machine = describe_machine()
        (RESULTS / "tui_use.md").write_text(f"# An hour of use\n\n{machine}\n\n{HOW}\n{text}", encoding="utf-8")
        figures = json.dumps({"machine": machine, "messages": args.messages, **asdict(seen)})
        (RESULTS / "tui_use.json").write_text(figures + "\n", encoding="utf-8")
    print(text, end="")
    return 1 if args.strict and "MISSED" in text else 0


if __name__ == "__main__":
    sys.exit(main())
