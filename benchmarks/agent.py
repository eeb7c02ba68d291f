"""What a turn with tools costs: the first request, the reuse of its beginning, and each of many steps."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.programs import find_ally
from benchmarks.service import Asked, Service, call_of, text_of

STEPS = 300
EDGE = 30
MAX_TOKENS = 1_200
MAX_RATIO = 1.5
CHARACTERS_PER_TOKEN = 4.0
"""For English prose and JSON schemas; o200k has 4.3 on this very prompt (2026-11), so this counts too many."""


@dataclass(frozen=True, slots=True)
class Work:
    """One turn of many steps that read a file.

    A step lasts from the last byte of an answer to the first of the next request.
    """

    prompt_tokens: int
    tools: int
    reuse: float
    first_s: float
    last_s: float
    cpu_s: float
    peak_mb: float

    @property
    def ratio(self) -> float:
        """The last steps against the first."""
        return self.last_s / self.first_s


def measure(steps: int = STEPS) -> Work:
    """Let the real command take `steps` steps."""
    reads = [call_of(n, "read", {"path": "notes.txt", "offset": n + 1, "limit": 20}) for n in range(steps)]
    with Service([*reads, text_of("done")]) as service, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "work").mkdir()
        (home / "work" / "notes.txt").write_text("".join(f"line {n}\n" for n in range(2 * steps)))
        endpoint = {"compatible": "openai", "base_url": service.url, "default_model": "m"}
        (home / "config.json").write_text(json.dumps({"provider": "bench", "endpoints": {"bench": endpoint}}))
        return _judge(service.asked, _run(home))


def _run(home: Path) -> "os.wait_result":
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "ALLY_HOME": str(home), "HOME": str(home)}
    words = [find_ally(), "-p", "read on"]
    with subprocess.Popen(words, cwd=home / "work", env=environment, stdout=subprocess.PIPE) as process:
        answer = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if answer.strip() != b"done" or process.returncode:
        sys.exit(f"the turn ended with {process.returncode}: {answer!r}")
    return usage


def _judge(asked: Sequence[Asked], usage: "os.wait_result") -> Work:
    first = json.loads(asked[0].body)
    system = first["messages"][0]["content"]
    characters = len(system) + len(json.dumps(first["tools"], separators=(",", ":")))
    steps = [after.at - before.answered_at for before, after in pairwise(asked)]
    return Work(
        prompt_tokens=round(characters / CHARACTERS_PER_TOKEN),
        tools=len(first["tools"]),
        reuse=statistics.mean(
            later.body.startswith(earlier.body.removesuffix(b"]}")) for earlier, later in pairwise(asked)
        ),
        first_s=statistics.median(steps[1 : EDGE + 1]),
        last_s=statistics.median(steps[-EDGE:]),
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
    )


def report() -> str:
    """The figures beside their goals."""
    work = measure()
    small, flat = work.prompt_tokens <= MAX_TOKENS, work.ratio <= MAX_RATIO
    marks = ["met   " if met else "MISSED" for met in (small, work.reuse == 1, flat)]
    return "\n".join(
        (
            f"- {marks[0]} system prompt and {work.tools} tools of general <= {MAX_TOKENS} tokens"
            f" (measured {work.prompt_tokens})",
            f"- {marks[1]} every request begins with the one before (measured {work.reuse:.0%} of {STEPS})",
            f"- {marks[2]} the last {EDGE} of {STEPS} steps <= {MAX_RATIO} x the first {EDGE}"
            f" (measured {work.ratio:.2f}: {work.first_s * 1e3:.1f} to {work.last_s * 1e3:.1f} ms;"
            f" {work.cpu_s:.2f} CPU s and {work.peak_mb:.0f} MB in all)",
        )
    )


if __name__ == "__main__":
    print(report())
