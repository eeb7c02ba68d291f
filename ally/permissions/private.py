"""Small JSON files of Ally's own that decide what it may do: private, locked, written whole, never half believed."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from ally.errors import StorageError
from ally.storage.atomic import write_atomic
from ally.storage.lock import locked

T = TypeVar("T", bound=msgspec.Struct)

VERSION = 1
MAX_BYTES = 5_000_000
_Stamp = tuple[int, int, int] | None


class _Versioned(msgspec.Struct):
    version: int = VERSION


@dataclass(slots=True)
class PrivateFile(Generic[T]):
    """A file that holds one `empty`-like struct with a `version`.

    What cannot be believed counts as empty: a file that is broken or from a newer Ally is set aside, one that others
    may write, or a link, is left alone; `notify` is told once.
    """

    path: Path
    empty: T
    notify: Callable[[str], None]
    _stamp: _Stamp = None
    _value: T | None = None
    _told: set[str] = field(default_factory=set[str])

    def read(self) -> T:
        """What it holds now; a file that did not change is not parsed again."""
        try:
            stamp = self._look()
        except _Unbelievable as why:
            self._tell(str(why))
            return self.empty
        if stamp is None:
            return self.empty
        if self._value is None or stamp != self._stamp:
            self._value, self._stamp = self._parse(), stamp
        return self._value

    def update(self, change: Callable[[T], T]) -> None:
        """Replace what it holds by `change` of it; what other processes do at the same time is kept.

        Raises:
            StorageError: it cannot be written, or must not be believed.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self.path.with_name(self.path.name + ".lock")):
                exists = self._look() is not None
                value = self._parse(is_locked=True) if exists else self.empty
                write_atomic(self.path, msgspec.json.format(msgspec.json.encode(change(value))) + b"\n")
        except _Unbelievable as why:
            raise StorageError(self.path, str(why), hint=f"look at {self.path} and delete it") from None
        except OSError as exc:
            message = f"{self.path} cannot be written: {exc.strerror or exc}"
            raise StorageError(self.path, message, hint="check the folder") from exc

    def _look(self) -> _Stamp:
        """What tells one content from the next; None where there is no file."""
        try:
            found = self.path.lstat()
            folder = self.path.parent.stat()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise _Unbelievable(f"{self.path} cannot be read: {exc.strerror or exc}") from None
        if not stat.S_ISREG(found.st_mode):
            raise _Unbelievable(f"{self.path} is not a plain file, so it is ignored.")
        if os.name != "nt" and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _Unbelievable(f"{self.path} can be written by others, so it is ignored.")
        if os.name != "nt" and folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
            raise _Unbelievable(f"{self.path.parent} can be written by everybody, so {self.path.name} is ignored.")
        if found.st_size > MAX_BYTES:
            raise _Unbelievable(f"{self.path} is larger than 5 MB, so it is ignored.")
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _parse(self, *, is_locked: bool = False) -> T:
        try:
            data = self.path.read_bytes()
        except OSError as exc:
            self._tell(f"{self.path} cannot be read: {exc.strerror or exc}")
            return self.empty
        try:
            if msgspec.json.decode(data, type=_Versioned).version != VERSION:
                why = "is of another version of Ally"
            else:
                return msgspec.json.decode(data, type=type(self.empty))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            why = "is broken"
        if is_locked:
            self._set_aside(why)
        else:
            self._set_aside_alone(data, why)
        return self.empty

    def _set_aside_alone(self, data: bytes, why: str) -> None:
        try:
            with locked(self.path.with_name(self.path.name + ".lock")):
                if self.path.read_bytes() == data:  # nobody mended it in between
                    self._set_aside(why)
        except OSError:
            self._tell(f"{self.path} {why}, so it is ignored.")

    def _set_aside(self, why: str) -> None:
        names = (self.path.with_name(f"{self.path.name}.broken{number or ''}") for number in range(100))
        target = next((name for name in names if not os.path.lexists(name)), self.path.with_name("broken.json"))
        self.path.replace(target)
        self._tell(f"{self.path} {why}; it was set aside as {target.name}, and nothing of it holds.")

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.notify(text)


class _Unbelievable(Exception):
    """The file is there, but what it says must not count."""
