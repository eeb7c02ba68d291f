"""A terminal that a program is used in for a long time: keys, sizes, and how long one letter takes to its cell."""

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.tui_terminal import ASKED, LETTERS, LONGEST_QUESTION, answer_to

PATIENCE_S = 5.0
BACKSPACE = b"\x7f"


class Use:
    """One run of a program on a pseudo-terminal of its own."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.lost = 0
        self.pid, self._master = pty.fork()
        if not self.pid:
            try:
                os.chdir(folder)
                os.execvpe(words[0], list(words), dict(environment))
            finally:
                os._exit(127)
        self.resize(100, 30)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = b""
        self._number = 0
        self.is_over = False

    def resize(self, columns: int, rows: int) -> None:
        """The window gets another size."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def read(self, timeout_s: float) -> str:
        """What the program writes next, empty if nothing comes in time; its questions are answered."""
        if self.is_over or not select.select([self._master], [], [], max(0.0, timeout_s))[0]:
            return ""
        try:
            data = os.read(self._master, 65536)
        except OSError:
            data = b""
        if not data:
            self.is_over = True
        pending, end = self._tail + data, 0
        for asked in ASKED.finditer(pending):
            os.write(self._master, answer_to(asked))
            end = asked.end()
        self._tail = pending[max(end, len(pending) - LONGEST_QUESTION) :]
        return self._decoder.decode(data)

    def wait(self, is_reached: Callable[[], bool], patience_s: float) -> bool:
        """Read on until something is so; False if it does not come about."""
        until = time.monotonic() + patience_s
        while not is_reached():
            if self.is_over or time.monotonic() > until:
                return False
            self.read(0.01)
        return True

    def rest(self, seconds: float) -> None:
        """Read on for some time."""
        self.wait(lambda: False, seconds)

    def wait_for_keys(self) -> None:
        """Until the program and not the kernel shows what is typed."""
        self.wait(lambda: not termios.tcgetattr(self._master)[3] & termios.ECHO, 60)

    def time_letter(self) -> float | None:
        """Seconds from the press of a letter that is not on the screen until it is; it is deleted again.

        None, and counted in `lost`, if it never comes.
        """
        letter = LETTERS[self._number % len(LETTERS)]
        self._number += 1
        while self.read(0):
            pass
        begun = time.monotonic()
        self.press(letter)
        while (now := time.monotonic()) < begun + PATIENCE_S:
            if letter in self.read(begun + PATIENCE_S - now):
                took = time.monotonic() - begun
                os.write(self._master, BACKSPACE)
                return took
            if self.is_over:
                break
        self.lost += 1
        return None

    def close(self) -> None:
        """End the program."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        os.close(self._master)
        os.waitpid(self.pid, 0)


def resident_mb(pid: int) -> float:
    """The memory that the process holds; Linux."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+)", text)
    return int(found[1]) / 1024 if found else 0.0


def used_s(pid: int) -> float:
    """Processor time of the process itself; Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
