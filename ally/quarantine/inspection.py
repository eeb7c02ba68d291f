"""Asks plug-ins what they define, each in a child process of its own, and survives whatever they do there."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ally.egress.quiet import silence
from ally.messages import JsonObject
from ally.quarantine.report import failed

TIMEOUT_VARIABLE = "ALLY_PLUGIN_TIMEOUT_S"
DEFAULT_TIMEOUT_S = 20.0
GRACE_S = 5.0
AT_ONCE = 4
MAX_REPORT_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """One plug-in to look at: a file of a plug-in folder, or an entry point such as `package.module:Class`."""

    file: Path
    package: str = ""
    entry_point: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every child needs to know. `kind` names the module that looks at plug-ins of the kind (see probe.py)."""

    kind: str
    checkout: Path | None
    user_dir: Path
    timeout_s: float


def timeout_s() -> float:
    """Seconds that importing one plug-in may take: `ALLY_PLUGIN_TIMEOUT_S`, else 20."""
    try:
        chosen = float(os.environ.get(TIMEOUT_VARIABLE, ""))
    except ValueError:
        return DEFAULT_TIMEOUT_S
    return chosen if 0 < chosen < 3600 else DEFAULT_TIMEOUT_S


def inspect_all(jobs: Sequence[Job], surroundings: Surroundings) -> list[JsonObject]:
    """One report for each job, in their order, as decoded JSON; a few children run at once."""
    reports: list[JsonObject] = [{}] * len(jobs)
    children: list[_Child] = []
    slots = threading.Semaphore(AT_ONCE)
    is_over = threading.Event()

    def work(position: int, job: Job) -> None:
        with slots:
            if is_over.is_set():
                return
            child = _Child(job, surroundings)
            children.append(child)
            reports[position] = child.report()

    threads = [threading.Thread(target=work, args=pair, daemon=True) for pair in enumerate(jobs)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:  # an interrupt must not leave a hanging plug-in behind
        is_over.set()
        for child in children:
            child.kill()
    return reports


class _Child:
    """One child process and what it said: a report, or after a crash or a timeout where the plug-in was."""

    def __init__(self, job: Job, surroundings: Surroundings) -> None:
        self._job = job
        self._surroundings = surroundings
        self._process: subprocess.Popen[bytes] | None = None
        self._answer = b""

    def report(self) -> JsonObject:
        try:
            code = self._run()
        except OSError as exc:
            return failed(f"it cannot be looked at: {exc}")
        finally:
            self.kill()
        if not self._answer.startswith(b"{"):
            return failed(self._silence(code))
        try:
            return json.loads(self._answer)
        except (ValueError, RecursionError) as exc:
            return failed(f"its description cannot be read: {exc}")

    def kill(self) -> None:
        """End the child and, where there are process groups, what it started."""
        process = self._process
        if process is None:
            return
        try:
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        except (ProcessLookupError, PermissionError):  # it is gone already
            return

    def _run(self) -> int | None:
        """The exit code, None if the child had to be stopped.

        The child has every variable, keys too: a plug-in may read its own into a constant while it is imported, and
        under which name cannot be known. It can send them nowhere (see probe.py).
        """
        env = dict(os.environ)
        silence(env)
        process = self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("probe.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            start_new_session=True,
        )
        reader = threading.Thread(target=self._read_answer, args=(process.stdout,), daemon=True)
        reader.start()
        code = self._talk(process)
        self.kill()
        reader.join(GRACE_S)
        return code

    def _talk(self, process: subprocess.Popen[bytes]) -> int | None:
        if process.stdin is None:
            raise OSError("the child has no standard input")
        try:
            process.stdin.write(self._order())
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended at once; its exit code says more
        try:
            return process.wait(self._surroundings.timeout_s + GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            process.wait()
            return None

    def _order(self) -> bytes:
        where = self._surroundings
        order = {
            "kind": where.kind,
            "sys_path": child_path(sys.path, Path.cwd() if _has_cwd() else None),
            "checkout": str(where.checkout) if where.checkout else "",
            "user_dir": str(where.user_dir),
            "timeout_s": where.timeout_s,
            "file": str(self._job.file),
            "package": self._job.package,
            "entry_point": self._job.entry_point,
        }
        return json.dumps(order).encode() + b"\n"

    def _read_answer(self, pipe: IO[bytes]) -> None:
        with pipe:
            self._answer = pipe.read(MAX_REPORT_BYTES + 1)[:MAX_REPORT_BYTES]

    def _silence(self, code: int | None) -> str:
        """Why there is no report."""
        output = self._answer.decode("utf-8", "replace")
        line = _first_line(output, self._job.file)
        if code is None or output.startswith("Timeout ("):
            return f"it was not imported within {self._surroundings.timeout_s:g} s{line}"
        if code < 0:
            return f"it crashed Python with {_signal_name(-code)}{line}"
        return f"it ended the process with exit code {code} while it was imported"


def child_path(path: Sequence[str], cwd: Path | None) -> list[str]:
    """`sys.path` without the working directory, which may be a stranger's project, unless Ally itself is there."""
    own = Path(__file__).resolve().parents[2]
    return [entry for entry in path if entry and (Path(entry) != cwd or Path(entry).resolve() == own)]


def _has_cwd() -> bool:
    try:
        Path.cwd()
    except OSError:  # it was deleted
        return False
    return True


def _first_line(output: str, file: Path) -> str:
    found = re.findall(rf'File "{re.escape(str(file))}", line (\d+) in ', output)
    return f" (line {found[0]})" if found else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
