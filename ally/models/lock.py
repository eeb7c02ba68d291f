"""A lock between processes, so that a model is fetched once however many ask for it."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

_POLL_S = 0.2


@contextlib.contextmanager
def exclusive(file: Path, on_wait: Callable[[], None]) -> Generator[None, None, None]:
    """Hold the lock of `file`, waiting for another process if need be; `on_wait` is called once before waiting.

    The system drops the lock when its holder dies. The empty file stays: removing it would let two in.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if not _try(handle):
            on_wait()
            while not _try(handle):
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
