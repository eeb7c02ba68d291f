"""What the user wrote, across sessions and folders, for the Up key and for searching."""

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ally.errors import StorageError
from ally.storage.atomic import write_atomic
from ally.storage.lock import locked

FILE = "prompts.jsonl"
"""Its name in the state folder."""
MAX_ENTRIES = 2_000
MAX_BYTES = 1_000_000
LONGEST = 20_000
"""Characters; a longer text is not kept, since half of it would be of no use."""

_LOCK_S = 2.0
_Stamp = tuple[int, int, int] | None


class _Entry(msgspec.Struct):
    text: str
    folder: str = ""
    at: float = 0.0


class History:
    """The texts in one file, which several chats may share. What `is_secret` is true for is never kept.

    Lines that make no sense are passed over. The file is for this user alone and stays below 2,000 texts and 1 MB: then
    the older half goes.
    """

    def __init__(self, file: Path, is_secret: Callable[[str], bool] = lambda text: False) -> None:
        self.file = file
        self._is_secret = is_secret
        self._stamp: _Stamp = None
        self._texts: list[str] = []

    def entries(self) -> list[str]:
        """The texts, oldest first, none twice in a row; none where the file cannot be read."""
        stamp = self._look()
        if stamp != self._stamp:
            self._texts = [entry.text for entry in _without_repeats(self._read())]
            self._stamp = stamp
        return list(self._texts)

    def add(self, text: str, folder: Path) -> None:
        """Keep `text`, which was sent in `folder`, unless it is blank, long, secret or the same as the last one.

        Raises:
            StorageError: it cannot be written.
        """
        text = text.strip()
        if not text or len(text) > LONGEST or self._is_secret(text) or self.entries()[-1:] == [text]:
            return
        entry = _Entry(_valid(text), _valid(str(folder)), round(time.time(), 3))
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self.file.with_name(f"{self.file.name}.lock"), timeout_s=_LOCK_S):
                self._append(msgspec.json.encode(entry) + b"\n")
                self._shorten()
        except OSError as exc:
            raise StorageError(self.file, f"{self.file} cannot be written: {exc.strerror or exc}") from exc

    def _append(self, line: bytes) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        handle = os.open(self.file, flags, 0o600)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(0, "it is not a regular file")
            if hasattr(os, "fchmod") and stat.S_IMODE(found.st_mode) != 0o600:
                os.fchmod(handle, 0o600)
            if found.st_size:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # whoever wrote last did not come to the end
                    line = b"\n" + line
            file.write(line)

    def _shorten(self) -> None:
        lines = self._lines()
        if len(lines) <= MAX_ENTRIES and sum(map(len, lines)) + len(lines) <= MAX_BYTES:
            return
        kept, size = list[bytes](), 0
        for line in reversed(lines[-MAX_ENTRIES // 2 :]):
            size += len(line) + 1
            if size > MAX_BYTES // 2:
                break
            kept.append(line)
        write_atomic(self.file, b"".join(line + b"\n" for line in reversed(kept)))

    def _look(self) -> _Stamp:
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _lines(self) -> list[bytes]:
        """The lines of the last 2 MB."""
        try:
            with self.file.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - 2 * MAX_BYTES))
                lines = file.read(2 * MAX_BYTES).split(b"\n")
        except OSError:
            return []
        return [line for line in (lines[1:] if size > 2 * MAX_BYTES else lines) if line]

    def _read(self) -> Iterator[_Entry]:
        decoder = msgspec.json.Decoder(_Entry)
        for line in self._lines()[-MAX_ENTRIES:]:
            try:
                entry = decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            if entry.text and len(entry.text) <= LONGEST:
                yield entry


def _without_repeats(entries: Iterator[_Entry]) -> Iterator[_Entry]:
    last = ""
    for entry in entries:
        if entry.text != last:
            yield entry
        last = entry.text


def _valid(text: str) -> str:
    """`text` with nothing that UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()
