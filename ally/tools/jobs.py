"""Commands that run in the background: longer than a turn, never longer than the program."""

import atexit
import itertools
import threading
import time
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path

from ally.errors import ToolError
from ally.tools.output import Output
from ally.tools.process import Child, Command

MAX_RUNNING = 8
MAX_KEPT = 32
_CLOSE_S = 2.0


@dataclass(slots=True)
class Job:
    """One of them. `id` is a small number, `text` the command as it was given."""

    id: int
    text: str
    child: Child
    output: Output
    lock: threading.Lock
    started: float = field(default_factory=time.monotonic)

    @property
    def is_running(self) -> bool:
        """Whether it, or something it started, still runs."""
        return not self.child.ended.done()

    @property
    def state(self) -> str:
        """`running, 12 s`, or how it ended: `exit 1, 0.2 s`."""
        if self.is_running:
            return f"running, {time.monotonic() - self.started:.0f} s"
        if error := self.child.ended.exception():
            return f"failed: {error}"
        ended = self.child.ended.result()
        return f"{ended.how}, {ended.seconds:.1f} s"

    def read(self) -> str:
        """What it printed since the last time, cut when it is long."""
        with self.lock:
            return self.output.take()


class Jobs:
    """The jobs of one conversation."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._ids = itertools.count(1)

    def start(self, text: str, command: Command, spill: Path) -> Job:
        """Start one; long output goes to a file in `spill`.

        Raises:
            ToolError: too many run.
            SandboxRefused: it cannot be confined as asked.
            OSError: it cannot be started.
        """
        if sum(job.is_running for job in self._jobs.values()) >= MAX_RUNNING:
            raise ToolError("shell", f"{MAX_RUNNING} jobs run already.", hint="Stop one with the tool job.")
        lock, number = threading.Lock(), next(self._ids)
        output = Output(spill, f"job-{number}")

        def feed(data: bytes) -> None:
            with lock:
                output.feed(data)

        if not self._jobs:
            atexit.register(self.close)
        job = Job(number, text, Child(command, feed), output, lock)
        job.child.ended.add_done_callback(lambda ended: output.close())
        self._jobs[number] = job
        self._forget_old()
        return job

    def all(self) -> list[Job]:
        """Those that run and the latest that ended, the oldest first."""
        return list(self._jobs.values())

    def get(self, number: int) -> Job:
        """The job of that number.

        Raises:
            ToolError: there is none.
        """
        if number not in self._jobs:
            known = ", ".join(str(one) for one in self._jobs) or "none"
            raise ToolError("job", f"There is no job {number}.", hint=f"There are: {known}.")
        return self._jobs[number]

    def close(self) -> None:
        """End all of them; waits until they are gone, at most two seconds."""
        atexit.unregister(self.close)
        for job in self._jobs.values():
            job.child.stop()
        wait([job.child.ended for job in self._jobs.values()], timeout=_CLOSE_S)
        self._jobs.clear()

    def _forget_old(self) -> None:
        ended = [number for number, job in self._jobs.items() if not job.is_running]
        for number in ended[: max(0, len(self._jobs) - MAX_KEPT)]:
            del self._jobs[number]
