"""What a command printed: bounded for the model, whole in a file when it is long."""

import contextlib
import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the model gets: `lines` and `size_bytes` each for the beginning and the end; what a file may take."""

    lines: int = 200
    size_bytes: int = 15_000
    max_file_bytes: int = 256_000_000


LIMITS = Limits()

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"} | {127: "\u2421"}


def plain(text: str) -> str:
    """`text` without colours and overwritten progress lines; other control characters as their pictures (U+2400…)."""
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return text.translate(_CONTROLS)


class Output:
    """Takes bytes as they come and keeps the beginning and the end of them.

    What does not fit is written, from the first byte on, to a file of its own in `folder` (mode 0600; the folder is
    made for this user only). `path` is that file, or None; without a folder there is none.
    """

    def __init__(self, folder: Path | None, name: str, limits: Limits = LIMITS) -> None:
        self.path: Path | None = None
        self._folder, self._name, self._limits = folder, name, limits
        self._pending = bytearray()  # all of it, until there is a file
        self._file: BinaryIO | None = None
        self._written = 0
        self._trouble = ""
        self._forget()

    def feed(self, data: bytes) -> None:
        """More of it."""
        self._store(data)
        self._size += len(data)
        self._lines += data.count(b"\n")
        room = self._limits.size_bytes - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail = (self._tail + data)[-self._limits.size_bytes :]

    def take(self) -> str:
        """What came since the last time, for the model: cut in the middle when it is long, saying where all is."""
        whole = self._size == len(self._head) + len(self._tail)
        text = plain((self._head + self._tail).decode("utf-8", "replace")) if whole else ""
        if not whole or self._lines > 2 * self._limits.lines:
            text = self._cut()
        self._forget()
        return text

    def close(self) -> None:
        """Nothing more comes; the file stays."""
        if self._file:
            self._file.close()
            self._file = None

    def _forget(self) -> None:
        self._head, self._tail, self._size, self._lines = b"", b"", 0, 0

    def _cut(self) -> str:
        self._spill()
        count = self._limits.lines
        if self._size == len(self._head) + len(self._tail):  # short, but of many lines
            lines = (self._head + self._tail).splitlines(keepends=True)
            first, last = b"".join(lines[:count]), b"".join(lines[-count:])
        else:
            first = _first_lines(self._head, count)
            last = b"".join(self._tail.splitlines(keepends=True)[-count:])
            if 0 <= (newline := last.find(b"\n")) < len(last) // 2 and len(last) == len(self._tail):
                last = last[newline + 1 :]  # begin with a whole line
        left_lines = max(0, self._lines - first.count(b"\n") - last.count(b"\n"))
        left_bytes = self._size - len(first) - len(last)
        gap = f"[… {left_lines:,} lines, {left_bytes:,} bytes left out; {self._where()} …]"
        return f"{_text(first).rstrip()}\n{gap}\n{_text(last)}"

    def _where(self) -> str:
        if self.path is None:
            return f"the rest could not be kept: {self._trouble}"
        partly = f" (only the beginning: {self._trouble})" if self._trouble else ""
        return f"full output: {self.path}{partly} (read it with read)"

    def _store(self, data: bytes) -> None:
        if self.path is None and not self._trouble:
            self._pending += data
            if len(self._pending) > 2 * self._limits.size_bytes:
                self._spill()
        else:
            self._write(data)

    def _spill(self) -> None:
        if self.path is not None or self._trouble:
            return
        try:
            if self._folder is None:
                raise OSError("it was only shown")
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._folder / f"{self._name}-{secrets.token_hex(4)}.txt"
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
            self.path = path
        except OSError as exc:
            self._trouble = exc.strerror or str(exc)
        self._write(bytes(self._pending))
        self._pending.clear()

    def _write(self, data: bytes) -> None:
        if self._file is None or self._trouble:
            return
        room = self._limits.max_file_bytes - self._written
        try:
            self._written += self._file.write(data[:room])
        except OSError as exc:
            self._trouble = exc.strerror or str(exc)
        if len(data) > room:
            self._trouble = f"the first {self._limits.max_file_bytes:,} bytes"


def drop_old(folder: Path, max_age_s: float = 7 * 24 * 3600) -> None:
    """Remove the output of conversations in `folder` that nothing was added to for `max_age_s` seconds."""
    with contextlib.suppress(OSError):
        for one in list(folder.iterdir()):
            if time.time() - one.stat().st_mtime > max_age_s:
                shutil.rmtree(one, ignore_errors=True)


def _first_lines(data: bytes, count: int) -> bytes:
    lines = data.splitlines(keepends=True)[:count]
    if len(lines) > 1 and not lines[-1].endswith(b"\n"):
        lines.pop()
    return b"".join(lines)


def _text(data: bytes) -> str:
    """Without the halves of characters that cutting left at the ends."""
    return plain(data.decode("utf-8", "replace").strip("\ufffd"))
