"""Opening a file that was chosen: what its path leads to may have changed since."""

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ally.errors import ExtractionError

_BY_FOLDER = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_CLOSE = getattr(os, "O_CLOEXEC", 0)
# A folder that may be entered but not listed can still be walked through.
_WALK = _CLOSE | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_PATH", os.O_RDONLY)
# Without O_NONBLOCK a FIFO without writer would block for ever.
_READ = (
    _CLOSE
    | os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a file, their hash, and its time from before they were read."""

    data: bytes
    mtime_ns: int
    sha256: str


def read_content(path: str, most_bytes: int) -> Content:
    """The content of the regular file `path`, absolute and without links.

    Raises:
        ExtractionError: it is no such file by now, cannot be read, or holds more than `most_bytes`.
    """
    try:
        handle = _open(path)
    except OSError as exc:
        raise ExtractionError(Path(path), _in_words(exc)) from exc
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise ExtractionError(Path(path), "is no file")
        if found.st_size > most_bytes:
            raise ExtractionError(Path(path), too_large(most_bytes))
        data = _read(handle, found.st_size, most_bytes)
    except OSError as exc:
        raise ExtractionError(Path(path), _in_words(exc)) from exc
    finally:
        os.close(handle)
    if len(data) > most_bytes:
        raise ExtractionError(Path(path), too_large(most_bytes))
    return Content(data, found.st_mtime_ns, hashlib.sha256(data).hexdigest())


def too_large(most_bytes: int) -> str:
    """The reason for a file of more than `most_bytes`."""
    return f"is larger than {most_bytes // 1_000_000} MB"


def _open(path: str) -> int:
    if not _BY_FOLDER:
        if os.path.realpath(path) != os.path.normpath(path):
            raise OSError(errno.ELOOP, "is behind a link by now")
        return os.open(path, _READ)
    *folders, name = Path(path).parts
    at = os.open(folders[0], _WALK)
    try:
        for part in folders[1:]:
            below = os.open(part, _WALK, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, _READ, dir_fd=at)
    finally:
        os.close(at)


def _read(handle: int, expected: int, most_bytes: int) -> bytes:
    data = os.read(handle, expected + 1)
    if len(data) == expected:
        return data
    pieces, count = [data], len(data)
    while data and count <= most_bytes:
        data = os.read(handle, 1 << 20)
        pieces.append(data)
        count += len(data)
    return b"".join(pieces)


def _in_words(exc: OSError) -> str:
    match exc.errno:
        case errno.ENOENT:
            return "is not there any more"
        case errno.ELOOP | errno.ENOTDIR:
            return "is behind a link by now"
        case _:
            return f"cannot be read: {exc.strerror or exc}"
