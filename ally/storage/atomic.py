"""Writing a file so that a reader, a crash or a full disk never meets half of it."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from ally.errors import StorageError


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the content of `path` by `data`, or leave everything as it was.

    A symlink stays a symlink: its target is written. An existing file keeps its permissions and, where the system
    allows it, its owner; `mode` is for a new file. Missing folders are created for this user only (0700).

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        target = path.resolve()
        old = _existing(target)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(target, data, old, mode)
    except RuntimeError as exc:  # a loop of symlinks, in Python 3.11 and 3.12
        raise StorageError(path, f"{path} cannot be written: {exc}", hint="remove the loop of links") from exc
    except OSError as exc:
        raise StorageError(path, f"{path} cannot be written: {exc.strerror or exc}", hint=_hint(exc)) from exc


def _existing(target: Path) -> os.stat_result | None:
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is a folder" if stat.S_ISDIR(found.st_mode) else "it is not a regular file")
    return found


def _replace(target: Path, data: bytes, old: os.stat_result | None, mode: int) -> None:
    temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _copy_owner(temporary, old)
        temporary.chmod(stat.S_IMODE(old.st_mode) if old else mode)
        temporary.replace(target)
    except BaseException:  # an interrupt too must not leave the temporary file behind
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def _copy_owner(temporary: Path, old: os.stat_result | None) -> None:
    if old is None or not hasattr(os, "chown"):
        return
    new = temporary.stat()
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(OSError):  # only root may give files away
            os.chown(temporary, old.st_uid, old.st_gid)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    # Some network file systems cannot sync a folder; the content is safe by then.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _hint(exc: OSError) -> str:
    if isinstance(exc, PermissionError):
        return "change the permissions of the file or its folder"
    return "free some disk space" if exc.errno in (28, 122) else "check the path"
