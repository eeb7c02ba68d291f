"""What the reading process may still do before it sees the first file of somebody else's making."""

import contextlib
import math
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if sys.platform != "win32":
    import resource


def confine(readable: Sequence[str], memory_bytes: int) -> list[str]:
    """Give up, for good, what reading files does not need; what then is out of reach, in words.

    It may use `memory_bytes`, read what is below `readable` (Python's own code), and the pipes it has.
    """
    confined = _limit(memory_bytes)
    if sys.platform.startswith("linux"):
        confined += _lock(readable)
    return confined


def grant_cpu(seconds: float) -> None:
    """End this process when it has computed `seconds` more, counted in whole seconds; no effect on Windows."""
    if sys.platform != "win32":
        end = math.ceil(time.process_time() + seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.RLIM_INFINITY))


def ran_out_of_cpu(return_code: int) -> bool:
    """Whether a process that ended with `return_code` was ended by `grant_cpu`."""
    return sys.platform != "win32" and return_code == -signal.SIGXCPU


def _limit(memory_bytes: int) -> list[str]:
    if sys.platform == "win32":
        return []
    confined: list[str] = []
    # Private memory only: libraries are mapped far larger than what is used of them. Threads are for parsers only
    # that have them by now.
    wanted = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NPROC": 0, "RLIMIT_DATA": memory_bytes}
    for name, most in wanted.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(number, (most, most))
            if name == "RLIMIT_DATA" and sys.platform.startswith("linux"):
                confined.append("memory")
    return confined


def _lock(readable: Sequence[str]) -> list[str]:
    from ally.sandbox import landlock, seccomp  # late: only for Linux

    confined: list[str] = []
    code = seccomp.program("none", is_lone=True)
    # The filter goes first: what it takes away is not needed for the other, and it gives up privileges.
    with contextlib.suppress(OSError, AttributeError):
        if code is not None:
            seccomp.install(code)
            confined += ["network", "programs"]
    with contextlib.suppress(OSError, AttributeError):
        landlock.restrict_self([Path(path) for path in readable if Path(path).exists()])
        confined.append("files")
    return confined
