"""Writing a file so that a reader, a crash or a full disk never meets half of it."""

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from ally.errors import StorageError

_RANDOM = r"[0-9a-f]{12}\.tmp"


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the content of `path` by `data`, or leave everything as it was.

    A symlink stays a symlink: its target is written. An existing file keeps its permissions and, where the system
    allows it, its owner; `mode` is for a new file. Missing folders are created for this user only (0700).

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        target = path.resolve()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(None, str(target), data, mode)
    except RuntimeError as exc:  # a loop of symlinks, in Python 3.11 and 3.12
        raise StorageError(path, f"{path} cannot be written: {exc}", hint="remove the loop of links") from exc
    except OSError as exc:
        raise StorageError(path, f"{path} cannot be written: {exc.strerror or exc}", hint=_hint(exc)) from exc


def replace_in(folder: int | None, name: str, data: bytes) -> None:
    """The same for the entry `name` of an open folder, whatever its path leads to by now.

    A symlink of that name is refused, not followed. A new file gets the permissions that the umask leaves. Without
    `folder`, where the system has no such calls, `name` is a whole path.

    Raises:
        OSError: the file cannot be written; its `strerror` says why.
    """
    _replace(folder, name, data, None)


def leftovers(names: Iterable[str], name: str) -> list[str]:
    """Those of `names` that a process which died while it replaced `name` has left behind."""
    pattern = re.compile(re.escape(_temporary(name, "")) + _RANDOM)
    return [one for one in names if pattern.fullmatch(one)]


def _temporary(name: str, ending: str) -> str:
    path = Path(name)
    return str(path.with_name(f".{path.name[:40]}.{ending}"))  # 40 characters are at most 160 bytes of 255


def _existing(folder: int | None, name: str) -> os.stat_result | None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is a folder" if stat.S_ISDIR(found.st_mode) else "it is not a regular file")
    return found


def _replace(folder: int | None, name: str, data: bytes, mode: int | None) -> None:
    old = _existing(folder, name)
    temporary = _temporary(name, f"{secrets.token_hex(6)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(temporary, flags, 0o666 if old is None and mode is None else 0o600, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            _copy_owner(file.fileno(), old)
            if old is not None or mode is not None:
                _set_mode(folder, temporary, file.fileno(), stat.S_IMODE(old.st_mode) if old else mode or 0)
            os.fsync(file.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:  # an interrupt too must not leave the temporary file behind
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    _sync_folder(folder, name)


def _copy_owner(handle: int, old: os.stat_result | None) -> None:
    if old is None or not hasattr(os, "fchown"):
        return
    new = os.fstat(handle)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(OSError):  # only root may give files away
            os.fchown(handle, old.st_uid, old.st_gid)


def _set_mode(folder: int | None, name: str, handle: int, mode: int) -> None:
    if hasattr(os, "fchmod"):
        os.fchmod(handle, mode)
    else:
        os.chmod(name, mode, dir_fd=folder)


def _sync_folder(folder: int | None, name: str) -> None:
    if os.name == "nt":
        return
    # Some network file systems cannot sync a folder, and some folders cannot be read; the content is safe by then.
    with contextlib.suppress(OSError):
        handle = os.open(Path(name).parent, os.O_RDONLY, dir_fd=folder)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _hint(exc: OSError) -> str:
    if isinstance(exc, PermissionError):
        return "change the permissions of the file or its folder"
    return "free some disk space" if exc.errno in (28, 122) else "check the path"
