"""Runs commands in turn and keeps the medians of what they cost."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SPAWN = Path(__file__).with_name("spawn.py")
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Command:
    """A program to measure: its words, and the environment beside PATH."""

    title: str
    words: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost, or the median of several."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    first_byte_s: float  # from the start to the first byte on stdout
    exit_s: float  # from the last byte on stdout to the end of the process


def run(command: Command) -> Cost:
    """Run a command once.

    Raises:
        RuntimeError: it failed; the text has what it wrote to stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        words = [sys.executable, "-I", "-S", str(SPAWN), str(report), *command.words]
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **command.environment}
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
            )
            first, last = _watch(process)
            process.wait()
            errors.seek(0)
            complaint = errors.read().decode(errors="replace")
        begun, ended, cpu_s, peak_bytes, code = map(float, report.read_text().split())
    if code:
        raise RuntimeError(f"{command.title} ended with {code:.0f}: {complaint}")
    return Cost(ended - begun, cpu_s, peak_bytes / MEGABYTE, (first or ended) - begun, ended - (last or ended))


def _watch(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """When the first and the last piece arrived on stdout; zeros if nothing came."""
    first = last = 0.0
    descriptor = process.stdout.fileno() if process.stdout else -1
    while os.read(descriptor, 65536):
        last = time.monotonic()
        first = first or last
    return first, last


def run_in_turn(commands: Sequence[Command], rounds: int) -> dict[str, Cost]:
    """The median cost of every command by title; one uncounted round first, then round after round."""
    costs: dict[str, list[Cost]] = {command.title: [] for command in commands}
    for number in range(rounds + 1):
        for command in commands:
            cost = run(command)
            if number:
                costs[command.title].append(cost)
    return {title: _median(each) for title, each in costs.items()}


def _median(costs: Sequence[Cost]) -> Cost:
    names = Cost.__slots__
    return Cost(**{name: statistics.median(getattr(cost, name) for cost in costs) for name in names})
