"""The contents: each stored once by its SHA-256, many in one pack.

A pack is written beside its name and renamed when it is whole, so that a kill leaves at most a `.tmp` that nobody
refers to; its index is at its end. Ten thousand small files in one pack cost 0.1 s, as files of their own 3 s
(measured 2026-11-22, ext4). Large files lie by themselves in `big/`, shared with the original where the file system
can do that. Whatever is read back is compared with its digest.
"""

import contextlib
import hashlib
import os
import secrets
import sys
import time
import zlib
from pathlib import Path
from typing import BinaryIO

import msgspec

BIG_BYTES = 8 * 1024 * 1024
"""A larger file is not read as one piece and does not go into a pack."""
MAX_CLONE_BYTES = 2 * 1024**3
MAX_COPY_BYTES = 64 * 1024**2
MAX_COPIES_BYTES = 256 * 1024**2
"""What one capture copies of large files where the file system cannot share their blocks."""
COMPRESS_S = 0.5
"""Compressing (level 1: source code becomes 3.5 times smaller, at 90 MB/s) ends after that time in each pack."""
_MIN_COMPRESSED = 256
_FICLONE = 0x40049409
_CHUNK = 1024 * 1024
_END = b"allypack"


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a content lies in its pack."""

    offset: int
    size: int
    is_compressed: bool


class LostContent(Exception):
    """A content is missing or damaged."""


class Blobs:
    """The contents of one root. Not for several threads at once."""

    def __init__(self, folder: Path) -> None:
        self._packs = folder / "packs"
        self._big = folder / "big"
        self._known: dict[bytes, tuple[str, Place]] = {}
        self._loaded: set[str] = set()
        self._pack: _Pack | None = None
        self._copied_bytes = 0

    def load(self) -> None:
        """Learn what is stored by now, by this process or another."""
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._packs):
                if entry.name.endswith(".pack") and entry.name not in self._loaded:
                    self._loaded.add(entry.name)
                    for digest, place in read_index(Path(entry.path)).items():
                        self._known[digest] = (entry.name, place)
        with contextlib.suppress(FileNotFoundError):
            self._known |= {bytes.fromhex(entry): ("", _NOWHERE) for entry in os.listdir(self._big) if "." not in entry}  # noqa: PTH208 - names are enough

    def forget(self) -> None:
        """Something was pruned: what is known may be gone."""
        self._known.clear()
        self._loaded.clear()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._known

    def put(self, data: bytes) -> bytes:
        """Its digest; it is safe after `commit`."""
        digest = hashlib.sha256(data).digest()
        if digest not in self._known:
            self._pack = self._pack or _Pack(self._packs)
            self._known[digest] = (self._pack.name, self._pack.add(digest, data))
        return digest

    def put_big(self, source: int, size: int) -> bytes | None:
        """The digest of an open large file, None if it is too large to be kept."""
        self._big.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._big / f"{secrets.token_hex(8)}.tmp"
        try:
            with _create(temporary) as copy:
                if not (size <= MAX_CLONE_BYTES and _clone(source, copy.fileno())):
                    if size > MAX_COPY_BYTES or self._copied_bytes + size > MAX_COPIES_BYTES:
                        return None
                    self._copied_bytes += size
                    _copy(source, copy)
            with temporary.open("rb") as copy:
                digest = hashlib.file_digest(copy, "sha256").digest()
            temporary.replace(self._big / digest.hex())
        finally:
            temporary.unlink(missing_ok=True)
        self._known[digest] = ("", _NOWHERE)
        return digest

    def commit(self) -> None:
        """Everything put until now survives this process."""
        self._copied_bytes = 0
        if self._pack:
            self._pack.close()
            self._loaded.add(self._pack.name)
            self._pack = None

    def abandon(self) -> None:
        """Drop what was put since the last `commit`."""
        pack, self._pack = self._pack, None
        if pack:
            pack.discard()
            self._known = {digest: at for digest, at in self._known.items() if at[0] != pack.name}

    def get(self, digest: bytes) -> bytes:
        """A content; a large one comes whole too.

        Raises:
            LostContent: it is missing or damaged.
        """
        if digest not in self._known:
            self.load()
        try:
            name, place = self._known[digest]
            data = _read(self._file(name), place) if name else (self._big / digest.hex()).read_bytes()
        except (KeyError, OSError, zlib.error) as exc:
            raise LostContent(digest.hex()) from exc
        if hashlib.sha256(data).digest() != digest:
            raise LostContent(digest.hex())
        return data

    def _file(self, name: str) -> Path:
        return self._pack.flush() if self._pack and self._pack.name == name else self._packs / name

    def write(self, digest: bytes, target: BinaryIO) -> None:
        """Write a content into an open file, sharing the blocks of a large one.

        Raises:
            LostContent: it is missing or damaged.
        """
        if digest not in self._known:
            self.load()
        if self._known.get(digest, ("x", _NOWHERE))[0]:
            target.write(self.get(digest))
            return
        try:
            with (self._big / digest.hex()).open("rb") as source:
                if hashlib.file_digest(source, "sha256").digest() != digest:
                    raise LostContent(digest.hex())
                if not _clone(source.fileno(), target.fileno()):
                    _copy(source.fileno(), target)
        except OSError as exc:
            raise LostContent(digest.hex()) from exc


_NOWHERE = Place(0, 0, False)


class _Pack:
    """A pack that is being written."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.pack"
        self._temporary = folder / f"{self.name}.tmp"
        self._file = _create(self._temporary)
        self._index: dict[bytes, Place] = {}
        self._offset = 0
        self._spent_s = 0.0

    def add(self, digest: bytes, data: bytes) -> Place:
        packed = self._compress(data)
        place = Place(self._offset, len(packed), len(packed) < len(data))
        self._file.write(packed)
        self._offset += len(packed)
        self._index[digest] = place
        return place

    def _compress(self, data: bytes) -> bytes:
        if len(data) < _MIN_COMPRESSED or self._spent_s > COMPRESS_S:
            return data
        begun = time.perf_counter()
        packed = zlib.compress(data, 1)
        self._spent_s += time.perf_counter() - begun
        return packed if len(packed) < len(data) * 0.9 else data

    def flush(self) -> Path:
        """Where what was added so far can be read."""
        self._file.flush()
        return self._temporary

    def close(self) -> None:
        index = msgspec.msgpack.encode(self._index)
        with self._file:
            self._file.write(index + len(index).to_bytes(8, "little") + _END)
        self._temporary.rename(self._temporary.with_suffix(""))

    def discard(self) -> None:
        with contextlib.suppress(OSError):  # what waits to be written may not fit the disk
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def read_index(pack: Path) -> dict[bytes, Place]:
    """What is in a pack; nothing if it cannot be read."""
    with contextlib.suppress(OSError, msgspec.MsgspecError), pack.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 16))
        size, mark = int.from_bytes(file.read(8), "little"), file.read(8)
        if mark == _END and size <= end - 16:
            file.seek(end - 16 - size)
            return msgspec.msgpack.decode(file.read(size), type=dict[bytes, Place])
    return {}


def repack(packs: list[Path], live: set[bytes]) -> None:
    """Replace packs by one that holds only what is live."""
    new: _Pack | None = None
    done: set[bytes] = set()
    for pack in packs:
        for digest, place in read_index(pack).items():
            if digest in live and digest not in done:
                with contextlib.suppress(OSError, zlib.error):
                    new = new or _Pack(pack.parent)
                    new.add(digest, _read(pack, place))
                    done.add(digest)
    if new:
        new.close()
    for pack in packs:
        pack.unlink(missing_ok=True)


def _read(pack: Path, place: Place) -> bytes:
    with pack.open("rb") as file:
        file.seek(place.offset)
        data = file.read(place.size)
    return zlib.decompress(data) if place.is_compressed else data


def _clone(source: int, target: int) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl  # late: Windows has none

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def _copy(source: int, target: BinaryIO) -> None:
    offset = 0
    while piece := os.pread(source, _CHUNK, offset):
        target.write(piece)
        offset += len(piece)
    target.flush()


def _create(file: Path) -> BinaryIO:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(file, flags, 0o600), "w+b")
