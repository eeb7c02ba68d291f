"""How fast the embedded engine answers: until the first token, and tokens a second after it."""

import contextlib
import json
import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import MEGABYTE, Command

SAMPLE_S = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """One answer of the embedded engine, or the median of several."""

    first_token_s: float  # from the start of the process: interpreter, model file, prompt
    wall_s: float
    exit_s: float  # from the end of the answer to the end of the process
    tokens: float
    tokens_per_s: float
    peak_mb: float  # of all its processes together, as sampled; 0 where there is no /proc


def time_answer(command: Command, rounds: int) -> Pace:
    """The median pace over `rounds` answers, after one that is not counted."""
    paces = [_time_once(command) for _ in range(rounds + 1)][1:]
    return Pace(**{name: statistics.median(getattr(pace, name) for pace in paces) for name in Pace.__slots__})


def _time_once(command: Command) -> Pace:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **command.environment}
    begun = time.monotonic()
    arrived: list[float] = []
    answered, tokens = begun, 0
    with subprocess.Popen(
        command.words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        memory = _Memory(process.pid)
        for line in process.stdout or ():
            event = json.loads(line)
            if event["type"] == "stream_event":
                arrived.append(time.monotonic())
            elif event["type"] == "result":
                tokens = event["usage"]["output_tokens"]
                answered = time.monotonic()
        process.wait()
        ended = time.monotonic()
    if len(arrived) < 2:
        raise RuntimeError("the embedded engine did not stream")
    speed = (tokens - 1) / (arrived[-1] - arrived[0])
    return Pace(arrived[0] - begun, ended - begun, ended - answered, tokens, speed, memory.stop() / MEGABYTE)


class _Memory:
    """Samples how much memory a process and its descendants hold together."""

    def __init__(self, pid: int) -> None:
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid,))
        self._thread.start()

    def _watch(self, pid: int) -> None:
        while not self._ended.wait(SAMPLE_S):
            self._peak = max(self._peak, _resident_bytes(pid))

    def stop(self) -> int:
        """The largest sum that was seen, in bytes."""
        self._ended.set()
        self._thread.join()
        return self._peak


def _resident_bytes(pid: int) -> int:
    total = 0
    with contextlib.suppress(OSError, ValueError, IndexError):  # it may end at any moment
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        total = pages * os.sysconf("SC_PAGE_SIZE")
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = (task / "children").read_text(encoding="ascii").split()
            total += sum(_resident_bytes(int(child)) for child in children)
    return total
