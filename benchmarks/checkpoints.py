"""`python -m benchmarks.checkpoints`: what a snapshot before and after a command costs, beside a bare walk."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ally.checkpoints import Checkpoints

COUNTS = (1_000, 10_000)
ROUNDS = 7
FILE_BYTES = 4_000
SETTLED_S = 2.5  # files changed within two seconds are read again, whatever their times say


def report() -> str:
    """The figures as a table."""
    rows = [row for count in COUNTS for row in _measure(count)]
    return "| files | what | ms | x bare walk |\n|---:|---|---:|---:|" + "".join(f"\n{row}" for row in rows)


def _measure(count: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        _make_files(root, count)
        time.sleep(SETTLED_S)
        bare = _median(lambda: _walk(os.fsencode(root)))
        cold = _time(lambda: _run(Checkpoints(Path(folder, "store"), root, "one")))
        other = _time(lambda: _run(Checkpoints(Path(folder, "store"), root, "two")))
        checkpoints = Checkpoints(Path(folder, "store"), root, "three")
        _run(checkpoints)
        warm = _median(lambda: _run(checkpoints))
        tool = _median(lambda: checkpoints.record(checkpoints.capture("call", [root / "d0" / "f0.py"])))
        stored = sum(one.stat().st_size for one in Path(folder, "store").rglob("*") if one.is_file())
    times = {
        "bare walk (scandir and stat)": bare,
        "capture and record, first time": cold,
        "capture and record, new process": other,
        "capture and record, after that": warm,
        "capture and record of one file": tool,
    }
    rows = [f"| {count:,} | {what} | {spent * 1000:.1f} | {spent / bare:.1f} |" for what, spent in times.items()]
    return [*rows, f"| {count:,} | stored, of {count * FILE_BYTES / 1e6:.0f} MB | {stored / 1e6:.1f} MB | |"]


def _make_files(root: Path, count: int) -> None:
    line = "def function_{0}(value):\n    return value * {0} + {1}\n"
    for number in range(count):
        path = root / f"d{number // 50}" / f"f{number % 50}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(line.format(number * 31 + i * 7, i * i) for i in range(FILE_BYTES // 50))
        path.write_text(text, encoding="utf-8")


def _walk(folder: bytes) -> int:
    count = 0
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as listing:
            for entry in listing:
                entry.stat(follow_symlinks=False)
                count += 1
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return count


def _run(checkpoints: Checkpoints) -> None:
    checkpoints.record(checkpoints.capture("call", None))


def _median(work: Callable[[], object]) -> float:
    work()
    return statistics.median(_time(work) for _ in range(ROUNDS))


def _time(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(report())
