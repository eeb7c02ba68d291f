"""Ending what a command left running where no namespace does it.

Every process of a command carries a mark in its environment, also a daemon that left its group and session. One that
starts programs with an empty environment is not found.
"""

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator

MARK = "ALLY_COMMAND"
ROUNDS = 5


def new_mark() -> str:
    """A value for `MARK` that no other command has."""
    return secrets.token_hex(16)


def end_marked(mark: str) -> None:
    """Kill every process with the mark, again for those that were being started meanwhile."""
    for _ in range(ROUNDS):
        found = list(_marked(f"{MARK}={mark}".encode()))
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if not found:
            return


def _marked(entry: bytes) -> Iterator[int]:
    for name in os.listdir("/proc"):  # noqa: PTH208 - plain calls, as this looks at every process after every command
        if not name.isdecimal():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb", buffering=0) as file:  # noqa: PTH123 - see above
            if entry in file.readall().split(b"\0"):
                yield int(name)
