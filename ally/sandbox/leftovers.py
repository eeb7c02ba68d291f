"""Ending what a command left running where no namespace does it.

Every process of a command carries a mark in its environment, also a daemon that left its group and session. One that
starts programs with an empty environment is not found.
"""

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

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
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
