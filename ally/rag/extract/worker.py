"""One process that reads files, started anew whenever it ends."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec

from ally.errors import KnowledgeError
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.extract.confinement import ran_out_of_cpu
from ally.rag.extract.frames import FrameTooLarge, Job, Ready, Result, Setup, pack, receive
from ally.rag.extract.kinds import find_kind
from ally.rag.extract.limits import ReadLimits
from ally.rag.extract.recognition import data_folders

_START_S = 60.0
_MESSAGE_BYTES = 1_000_000
_REPLY_FACTOR = 7
"""A reply has the text twice, as a whole and in passages, in up to three bytes a character."""

_BEGIN = """
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from ally.rag.extract.child import main
main(int(sys.argv[1]))
"""
_KEPT_VARIABLES = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TESSDATA_PREFIX")
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_DEVICES = ("/dev/null", "/dev/urandom")


@dataclass(slots=True)
class Worker:
    """Only one thread at a time reads with it; any may stop it, for good."""

    limits: ChunkLimits
    allowed: ReadLimits
    confinement: list[str] = field(default_factory=list[str])
    _process: "subprocess.Popen[bytes] | None" = None
    _is_used: bool = False
    _is_stopped: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _deadline: float = math.inf
    _is_overdue: bool = False

    @property
    def process_id(self) -> int:
        """0 while none runs."""
        process = self._process
        return process.pid if process else 0

    def read(self, name: str, data: bytes) -> Result:
        """The text of a file called `name`, in passages; a problem if it has none or the process did not stand it.

        Raises:
            KnowledgeError: no process can be started, or `stop` was called.
        """
        kind = find_kind(name, data)
        allowed = self.allowed
        cpu_s = min(allowed.cpu_s + len(data) / 1e6 * kind.seconds_per_mb, max(allowed.most_cpu_s, allowed.cpu_s))
        job = Job(kind.module, name, len(data), cpu_s)
        try:
            return self._try(job, data)
        except _Failed as failed:
            if not failed.may_pass:
                return Result(problem=failed.problem)
        try:
            return self._try(job, data)
        except _Failed as failed:
            return Result(problem=failed.problem)

    def end_if_overdue(self) -> None:
        """Kill the process if it had its time; whoever waits for it reads why. To be called every now and then."""
        with self._lock:
            if time.monotonic() > self._deadline and self._process:
                self._is_overdue = True
                self._process.kill()

    def stop(self) -> None:
        """End the process; whoever waits for it gets a KnowledgeError."""
        with self._lock:
            self._is_stopped = True
            process = self._process
        if process:
            process.kill()
            self._end(process)

    def _try(self, job: Job, data: bytes) -> Result:
        process = self._process or self._start()
        was_used, self._is_used = self._is_used, True
        self._allow(job.cpu_s * self.allowed.wall_factor)
        try:
            write, read = _pipes(process)
            write.write(pack(job))
            write.write(data)
            write.flush()
            reply = receive(read, self.allowed.text_chars * _REPLY_FACTOR)
            result = msgspec.msgpack.decode(reply, type=Result)
        except FrameTooLarge:
            self._end(process)
            raise _Failed("gives more text than fits in memory") from None
        except (EOFError, OSError, ValueError):
            code = self._end(process)
            raise self._failure(code, job.cpu_s, was_used=was_used) from None
        finally:
            self._allow(math.inf)
        if result.is_worn:
            self._end(process)
            if was_used:
                raise _Failed(result.problem, may_pass=True)
        return result

    def _allow(self, seconds: float) -> None:
        with self._lock:
            self._deadline, self._is_overdue = time.monotonic() + seconds, False

    def _failure(self, code: int, cpu_s: float, *, was_used: bool) -> "_Failed":
        """Why the process ended with `code` before it had an answer."""
        if self._is_stopped:
            raise KnowledgeError("Reading was stopped.")
        if self._is_overdue or ran_out_of_cpu(code):
            return _Failed(f"took longer than {cpu_s:.0f} s")
        if code == 0:
            return _Failed(f"needs more than {self.allowed.memory_bytes // 1_000_000} MB", may_pass=was_used)
        if os.name == "posix" and code == -signal.SIGKILL:
            return _Failed("the process that read it was killed", may_pass=True)
        if code == -signal.SIGABRT and "memory" in self.confinement:  # how native code ends that gets no more of it
            most = self.allowed.memory_bytes // 1_000_000
            return _Failed(f"is too large or damaged: reading it was given up at {most} MB", may_pass=was_used)
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return _Failed(f"crashed the process that read it ({name})", may_pass=was_used)

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._is_stopped:
                raise KnowledgeError("Reading was stopped.")
            self._is_used, self.confinement = False, []
            process = self._process = _spawn()
        setup = Setup(self.limits, self.allowed.memory_bytes, self.allowed.text_chars, readable())
        self._allow(_START_S)
        try:
            write, read = _pipes(process)
            write.write(pack(setup))
            write.flush()
            ready = msgspec.msgpack.decode(receive(read, _MESSAGE_BYTES), type=Ready)
        except (EOFError, OSError, ValueError, FrameTooLarge) as exc:
            ready = Ready([], f"it ended with {self._end(process)}, {type(exc).__name__}")
        finally:
            self._allow(math.inf)
        if ready.problem:
            self._end(process)
            raise KnowledgeError(
                f"The process that reads files does not start: {ready.problem}.", hint="`ally doctor` may know more"
            )
        self.confinement = ready.confinement
        return process

    def _end(self, process: "subprocess.Popen[bytes]") -> int:
        with self._lock:
            if self._process is process:
                self._process = None
        # One that ended by itself has a code that says why; one that has not gets this.
        with contextlib.suppress(subprocess.TimeoutExpired):
            _close(process)
            process.wait(0.5)
        process.kill()
        return process.wait()


def _spawn() -> "subprocess.Popen[bytes]":
    import ally  # late: only its place

    root = str(Path(ally.__file__).parent.parent)
    path = [entry for entry in sys.path if entry]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BEGIN, str(os.getpid()), json.dumps([*path, root])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        cwd=Path(sys.executable).anchor,
        start_new_session=True,  # Ctrl-C in the terminal is not for it
    )


def readable() -> list[str]:
    """Where Python's own code and that of packages lies: parsers are imported when their format first comes."""
    import ally  # late: only its place

    code = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    packages = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    native = [os.path.join(prefix, "lib") for prefix in (sys.base_prefix, sys.prefix)]  # noqa: PTH118 - all are text
    own = str(Path(ally.__file__).parent)
    return [*dict.fromkeys([*code, *packages, *native, *_LIBRARIES, *_DEVICES, own, *data_folders()])]


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise OSError("the process has no pipes")
    return process.stdin, process.stdout


def _close(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe:
                pipe.close()


class _Failed(Exception):
    """A file was not read. It `may_pass` in another process: the one before it is to blame, or somebody outside."""

    def __init__(self, problem: str, *, may_pass: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.may_pass = may_pass
