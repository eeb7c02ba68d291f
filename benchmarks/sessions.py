"""`python -m benchmarks.sessions`: what a turn costs on disk, early and late in a session of 1,000 turns.

A turn is a question, an answer with one call of a tool, the result, and the last answer: four appends. Bytes are those
that the process hands to the kernel (`write_bytes` counts pages of the disk, `wchar` what was written: the larger one
is shown), so they hold the log, its checkpoints and the index, not only the growth of the file.
"""

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ally.messages import AssistantMessage, Text, ToolCall, ToolMessage, ToolResult, assistant, user
from ally.sessions.session import Session
from ally.sessions.store import FILE_NAME, Sessions

TURNS = 1000
EDGE = 100
MAX_RATIO = 1.25
"""How much more the last turns may cost than the first ones; the rest is the growing index of a growing table."""


@dataclass(frozen=True, slots=True)
class Wear:
    """Averages of one turn over the first and the last turns of a session."""

    first_bytes: float
    last_bytes: float
    first_s: float
    last_s: float
    file_bytes: int
    load_s: float

    @property
    def bytes_ratio(self) -> float:
        """What the last turns write, as a multiple of the first ones."""
        return self.last_bytes / self.first_bytes

    @property
    def time_ratio(self) -> float:
        """How long the last turns take, as a multiple of the first ones (medians)."""
        return self.last_s / self.first_s


def measure(folder: Path, turns: int = TURNS, edge: int = EDGE) -> Wear:
    """Append `turns` turns to a new session in `folder`."""
    sessions = Sessions.open(folder / FILE_NAME, sys.exit)
    session = sessions.start(folder, "general")
    seconds: list[float] = []
    written: list[int] = []
    for number in range(turns):
        before, start = _written(), time.perf_counter()
        _turn(session, number)
        seconds.append(time.perf_counter() - start)
        written.append(_written() - before)
    start = time.perf_counter()
    if len(session.load()) != 4 * turns:
        sys.exit("the session does not hold what was appended")
    load_s = time.perf_counter() - start
    sessions.close()
    return Wear(
        first_bytes=statistics.mean(written[:edge]),
        last_bytes=statistics.mean(written[-edge:]),
        first_s=statistics.median(seconds[:edge]),
        last_s=statistics.median(seconds[-edge:]),
        file_bytes=(folder / FILE_NAME).stat().st_size,
        load_s=load_s,
    )


def _turn(session: Session, number: int) -> None:
    call = ToolCall(f"call_{number}", "read", {"path": f"src/module_{number}.py"})
    session.append(user(f"What does module {number} do? " + "Say it briefly. " * 10))
    session.append(AssistantMessage((Text("Let me look."), call)))
    session.append(ToolMessage((ToolResult(call.id, f"line {number}\n" * 150, name="read"),)))
    session.append(assistant("It computes what its name says. " * 20))


def _written() -> int:
    """Bytes this process has written; 0 where the system does not count."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    counts = {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}
    return max(counts["wchar"], counts["write_bytes"])


def report() -> str:
    """The figures beside their goals."""
    with tempfile.TemporaryDirectory() as folder:
        wear = measure(Path(folder))
    lines = (
        ("bytes written", wear.bytes_ratio, f"{wear.first_bytes:,.0f} to {wear.last_bytes:,.0f} bytes"),
        ("time", wear.time_ratio, f"{wear.first_s * 1e3:.2f} to {wear.last_s * 1e3:.2f} ms"),
    )
    judged = (
        f"- {'met   ' if ratio <= MAX_RATIO else 'MISSED'} {what} per turn, last {EDGE} of {TURNS} <= {MAX_RATIO} x the"
        f" first {EDGE} (measured {ratio:.2f}: {figures})"
        for what, ratio, figures in lines
    )
    rest = f"- the file has {wear.file_bytes / 1e6:.1f} MB; loading the session takes {wear.load_s * 1e3:.0f} ms"
    return "\n".join((*judged, rest))


if __name__ == "__main__":
    print(report())
