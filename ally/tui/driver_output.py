"""Where the screen is written, and where everything else goes while it is shown.

The screen has a descriptor of its own. What libraries and child processes write to standard output and standard error
would garble it and goes to a file instead, until the terminal is the shell's again.
"""

import contextlib
import os
import sys
import threading
from pathlib import Path

LARGEST_LOG_BYTES = 1_000_000
_MODES = (2048, 2026, 1016, 1006, 1015, 1003, 1000, 1004, 2004)
RESTORE = "".join(f"\x1b[?{mode}l" for mode in _MODES) + "\x1b[?7h\x1b[<u\x1b[?1049l\x1b[0m\x1b[?25h"
"""Ends every mode that the screen may have set."""


class TerminalFile:
    """Text for the terminal behind `descriptor`; when nobody is there any more, it is thrown away.

    Nothing is lost that could be shown: a terminal that went away comes with SIGHUP or the end of its input.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending: list[str] = []
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Keep `text` until `flush`."""
        self._pending.append(text)
        return len(text)

    def flush(self) -> None:
        """Write what is kept."""
        text, self._pending = "".join(self._pending), []
        self.write_now(text)

    def write_now(self, text: str) -> None:
        """Write `text`, as a whole, from any thread."""
        data = memoryview(text.encode("utf-8", "replace"))
        with self._lock, contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._descriptor, data) :]

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)


class Aside:
    """Standard output and standard error while the screen is shown.

    With `only_terminals` those that are no terminal stay as they are.
    """

    def __init__(self, log: Path, *, only_terminals: bool = True) -> None:
        self._log = log
        self._only_terminals = only_terminals
        self._kept: dict[int, int] = {}

    def point_away(self) -> None:
        """From here on they are a file, emptied when it was large."""
        if self._kept:
            return
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
        target = self._open()
        for number in (1, 2):
            if not self._only_terminals or os.isatty(number):
                self._kept[number] = os.dup(number)
                os.dup2(target, number)
        os.close(target)

    def put_back(self) -> None:
        """They are what they were."""
        for number, kept in self._kept.items():
            os.dup2(kept, number)
            os.close(kept)
        self._kept.clear()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        try:
            self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target = os.open(self._log, flags, 0o600)
            if os.fstat(target).st_size > LARGEST_LOG_BYTES:
                os.ftruncate(target, 0)
        except OSError:
            return os.open(os.devnull, os.O_WRONLY)
        return target

    def trim(self) -> None:
        """Empty the file if it has become large; whoever writes to it goes on at its start."""
        with contextlib.suppress(OSError):
            if self._log.stat().st_size > LARGEST_LOG_BYTES:
                os.truncate(self._log, 0)
