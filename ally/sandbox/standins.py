"""Stand-ins: empty files and folders made where something protected is missing, so that it can be mounted over.

A mount needs something to lie on. What is made is empty and marked by its time, so that any Ally can tell it from a
user's file, also one left behind by an Ally that was killed. All commands in a folder hold a shared lock on the folder
itself; whoever ends last, and alone can have the lock exclusively, removes the stand-ins. Until then they stay, because
removing one would lift the mount in every command that still runs.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ally.errors import SandboxRefused
from ally.storage.marks import MARK_S, is_marked

LOCK_WAIT_S = 2.0
_CANNOT_BE_MADE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that must be there, if only as a stand-in."""

    path: Path
    is_folder: bool


@dataclass(slots=True)
class StandIns:
    """The stand-ins of one folder for one command.

    `possible` are all that a command in this folder may have made: the last one removes also those of others.
    """

    folder: Path
    possible: Sequence[Path]
    _lock: int = -1

    def hold(self) -> None:
        """From now until the release nobody removes any."""
        self._lock = _open_shared(self.folder)

    def make(self, missing: Sequence[Wanted]) -> list[Path]:
        """Make what is missing; gives the stand-ins that are there now, made by this command or another.

        Raises:
            SandboxRefused: one could not be made, so that a command might make the real thing.
        """
        there: list[Path] = []
        for wanted in missing:
            if is_stand_in(wanted.path) or (not os.path.lexists(wanted.path) and _make(wanted)):
                there.append(wanted.path)
        return there

    def release(self) -> None:
        """Remove the stand-ins if no other command needs them."""
        if self._lock < 0:
            return
        with contextlib.suppress(OSError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in self.possible:
                remove(path)
        os.close(self._lock)
        self._lock = -1


def is_stand_in(path: Path) -> bool:
    """Whether it is an empty file or folder that was made here."""
    try:
        state = path.lstat()
    except OSError:
        return False
    return is_marked(state) and state.st_uid == os.geteuid()


def remove(path: Path) -> None:
    """Remove a stand-in; anything else stays."""
    if not is_stand_in(path):
        return
    with contextlib.suppress(OSError):
        if path.is_dir():
            path.rmdir()  # fails if something is in it
        else:
            path.unlink()


def _open_shared(folder: Path) -> int:
    """A shared lock on `folder`, or -1 if it cannot be had: then nothing is removed by this command."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return -1
    give_up = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < give_up:
                time.sleep(0.002)  # somebody removes stand-ins; that takes no longer
                continue
        except OSError:
            pass  # a file system without locks
        else:
            return lock
        os.close(lock)
        return -1


def _make(wanted: Wanted) -> bool:
    try:
        if wanted.is_folder:
            wanted.path.mkdir()
        else:
            os.close(os.open(wanted.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        os.utime(wanted.path, (MARK_S, MARK_S))
    except FileExistsError:
        return is_stand_in(wanted.path)
    except OSError as exc:
        if exc.errno in _CANNOT_BE_MADE:
            return False  # then no command of this user can make it either
        raise SandboxRefused(
            wanted.path,
            f"{wanted.path} cannot be protected: {exc.strerror or exc}.",
            hint="free some space, then run the command again",
        ) from exc
    return True
