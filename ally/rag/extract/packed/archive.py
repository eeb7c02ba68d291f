"""A zip archive in memory whose members are read by name, within bounds. Nothing is ever written."""

import io
import posixpath
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import unquote

from ally.errors import ExtractionError

_MOST_MEMBERS = 20_000
_MOST_BYTES = 300_000_000
_LEAST_BYTES = 20_000_000
_FACTOR = 50
"""What is read of one archive may unpack to so many times its size; to `_LEAST_BYTES` in any case."""
_MEMBER_BYTES = 40_000_000
"""What one member may unpack to that is read at once."""
_ENTRY = b"PK\x01\x02"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROTECTED = "is protected by a password"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, UnicodeError)


@dataclass(slots=True)
class Archive:
    """The archive that is the file `name`."""

    name: str
    _zip: zipfile.ZipFile
    _allowed: int
    _left: int

    @classmethod
    def open(cls, data: bytes, name: str) -> "Archive":
        """The archive in `data`.

        Raises:
            ExtractionError: it is none, or one made to be too much.
        """
        if data.startswith(_OLE):
            is_protected = "EncryptedPackage".encode("utf-16-le") in data
            old = "is of the format before 2007; save it in the present one"
            raise ExtractionError(Path(name), _PROTECTED if is_protected else old)
        if data.count(_ENTRY) > _MOST_MEMBERS:
            raise ExtractionError(Path(name), f"is an archive of more than {_MOST_MEMBERS:,} files")
        try:
            opened = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGED as exc:
            raise ExtractionError(Path(name), f"is damaged: {exc}") from exc
        allowed = min(_MOST_BYTES, max(_LEAST_BYTES, _FACTOR * len(data)))
        return cls(name, opened, allowed, allowed)

    def __contains__(self, member: str) -> bool:
        return member in self._zip.NameToInfo

    def names(self) -> list[str]:
        """The names of its members."""
        return self._zip.namelist()

    def read(self, member: str) -> bytes:
        """A whole member.

        Raises:
            ExtractionError: it is not there, damaged, protected, or too large.
        """
        with self.stream(member) as stream:
            content = stream.read(_MEMBER_BYTES + 1)
        if len(content) > _MEMBER_BYTES:
            raise ExtractionError(Path(self.name), f"holds a part of more than {_MEMBER_BYTES // 1_000_000} MB")
        return content

    def stream(self, member: str) -> "Stream":
        """A member piece by piece; errors as with `read`, also while it is read."""
        try:
            info = self._zip.getinfo(member)
        except KeyError:
            raise ExtractionError(Path(self.name), f"is damaged: it has no {member[:80]}") from None
        if info.flag_bits & 1:
            raise ExtractionError(Path(self.name), _PROTECTED)
        try:
            return Stream(self, self._zip.open(info))
        except _DAMAGED as exc:
            raise self.damaged(exc) from exc

    def damaged(self, exc: Exception) -> ExtractionError:
        """The error for a member that cannot be unpacked."""
        return ExtractionError(Path(self.name), f"is damaged: {exc}")

    def spend(self, count: int) -> None:
        """Note that so many bytes were unpacked.

        Raises:
            ExtractionError: that was too much.
        """
        self._left -= count
        if self._left < 0:
            raise ExtractionError(Path(self.name), f"unpacks to more than {self._allowed // 1_000_000} MB")


@dataclass(frozen=True, slots=True)
class Stream:
    """A member that is unpacked at the expense of its archive."""

    _archive: Archive
    _inner: IO[bytes]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._inner.close()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all if it is negative; none at the end."""
        pieces: list[bytes] = []
        wanted = size
        while wanted:
            try:
                piece = self._inner.read(min(wanted, 1 << 20) if wanted > 0 else 1 << 20)
            except _DAMAGED as exc:
                raise self._archive.damaged(exc) from exc
            if not piece:
                break
            self._archive.spend(len(piece))
            pieces.append(piece)
            wanted -= len(piece) if wanted > 0 else 0
        return b"".join(pieces)


def resolve(member: str, target: str) -> str:
    """The member that `target`, a reference in `member`, names; "" if that is outside of the archive."""
    target = unquote(target.partition("#")[0])
    if not target or ":" in target.split("/", 1)[0]:
        return ""
    joined = target.lstrip("/") if target.startswith("/") else posixpath.join(posixpath.dirname(member), target)
    found = posixpath.normpath(joined)
    return "" if found.startswith("..") else found
