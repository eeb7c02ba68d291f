"""Locks that are held for long: a process shows that it is alive, or that the store is in use."""

import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class Hold:
    """A lock on a file; the system drops it when this process dies, and never hands it to a command it starts.

    A shared one waits until it is held; an exclusive one does not, `is_held` says whether it was free.
    """

    def __init__(self, file: Path, *, is_shared: bool = False, is_existing: bool = False) -> None:
        self._handle = -1
        self._handle = os.open(file, _FLAGS & ~os.O_CREAT if is_existing else _FLAGS, 0o600)
        self.is_held = _try(self._handle, is_shared=is_shared)

    def close(self) -> None:
        """Let go; a second time is no error."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def __del__(self) -> None:
        self.close()


@contextlib.contextmanager
def try_exclusive(file: Path) -> Generator[bool, None, None]:
    """Whether nobody else holds it; if so, nobody else gets it within the block."""
    hold = Hold(file)
    try:
        yield hold.is_held
    finally:
        hold.close()


def _try(handle: int, *, is_shared: bool) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl  # late: Windows has none

    try:
        fcntl.flock(handle, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
