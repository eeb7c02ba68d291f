"""Reading one file into the store, and recognising it later without reading it again."""

import os
import stat
import time

from msgspec import Struct

from ally.checkpoints.blobs import BIG_BYTES, Blobs
from ally.checkpoints.node import Node, fingerprint

RACY_NS = 2_000_000_000
"""A file that was changed so shortly before it was read is read again: its times may not tell the next change."""


class Seen(Struct, frozen=True, array_like=True, gc=False):
    """A file as it was when it was read."""

    mtime_ns: int
    ctime_ns: int
    inode: int
    node: Node


Index = dict[bytes, Seen]


def read_node(path: bytes, blobs: Blobs, unstored: str = "", folder: int | None = None) -> Seen | None:
    """The regular file at `path` with its content stored, unless `unstored` already says why not; None: it is gone.

    `path` is relative to the open `folder`, if that is given.

    Raises:
        OSError: the store cannot be written.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    digest: bytes | None = None
    handle = -1
    try:
        found = os.lstat(path, dir_fd=folder)
        if stat.S_ISREG(found.st_mode) and not unstored:
            handle = os.open(path, flags, dir_fd=folder)
            found = os.fstat(handle)
    except PermissionError:
        unstored = "it cannot be read"
        if (denied := _lstat(path, folder)) is None:
            return None
        found = denied
    except OSError:
        return None
    try:
        if handle >= 0 and stat.S_ISREG(found.st_mode):
            digest, unstored = _store(handle, found, blobs)
    finally:
        if handle >= 0:
            os.close(handle)
    if not stat.S_ISREG(found.st_mode):
        return None
    node = Node("file", stat.S_IMODE(found.st_mode), digest or fingerprint(found), found.st_size, unstored)
    age_ns = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns)
    return Seen(found.st_mtime_ns if age_ns > RACY_NS else 0, found.st_ctime_ns, found.st_ino, node)


def _lstat(path: bytes, folder: int | None) -> os.stat_result | None:
    try:
        return os.lstat(path, dir_fd=folder)
    except OSError:
        return None


def _store(handle: int, found: os.stat_result, blobs: Blobs) -> tuple[bytes | None, str]:
    if found.st_size > BIG_BYTES:
        digest = blobs.put_big(handle, found.st_size)
        return digest, "" if digest else f"it is too large to be stored ({found.st_size >> 20} MB)"
    try:
        data = _read(handle)
    except OSError:
        return None, "it cannot be read"
    return (blobs.put(data), "") if len(data) <= 2 * BIG_BYTES else (None, "it grows while it is read")


def _read(handle: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while size <= 2 * BIG_BYTES and (piece := os.read(handle, 1 << 20)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)
