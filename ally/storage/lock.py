"""A lock between processes that waits, for the few moments when only one may touch a file."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

_POLL_S = 0.02


@contextlib.contextmanager
def locked(
    file: Path, *, timeout_s: float = 10, on_wait: Callable[[], None] = lambda: None
) -> Generator[None, None, None]:
    """Hold the lock of `file` (made if missing); the system drops it when its holder dies.

    `on_wait` is called once before waiting for somebody else. The empty file stays: removing it would let two in.

    Raises:
        OSError: it cannot be made, or somebody else held it for `timeout_s` seconds (TimeoutError).
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(file, flags, 0o600)
    try:
        if not _try(handle):
            on_wait()
            until = time.monotonic() + timeout_s
            while not _try(handle):
                if time.monotonic() > until:
                    raise TimeoutError(f"{file} is locked by another process")
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(handle)


def _try(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # late: Windows alone has it

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # late: Windows has none

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
