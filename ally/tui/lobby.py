"""Takes what is typed, and shows it, while the screen itself is still being loaded.

Loading the screen takes a third of a second. Until it has painted, a thread reads the keys and writes plain text where
the composer will be. Nothing is lost: every byte is handed over to the screen, which reads it as if it came just then.
Imports next to nothing.
"""

import contextlib
import os
import re
import select
import signal
import threading
import unicodedata
from collections.abc import Callable
from types import FrameType
from typing import Any

try:
    import termios
except ImportError:  # Windows: the screen is the first to take keys there
    termios = None  # type: ignore[assignment] # there is no other way to say so

PROMPT = "> "
_ENTER = "\x1b[?1049h\x1b[H\x1b[2J\x1b[?2004h\x1b[?25h"
_LEAVE = "\x1b[?2004l\x1b[?1049l\x1b[?25h"
_LINES_BELOW = 1
_BACKSPACE = "\x08\x7f"
_NO_KEY = re.compile(rb"\x1b\[(?:\?[\d;]*(?:\$y|[cu])|[IO]|<[\d;]*[Mm]|[\d;]*[Rt])")
"""What a terminal says by itself: answers, focus, the mouse."""


class Lobby:
    """Where one waits for the screen. `before` are the terminal's attributes as the shell left them."""

    def __init__(self, reading: int = 0, writing: int = 1) -> None:
        self._in, self._out = reading, writing
        self.before: list[Any] | None = None  # Any: as termios has them
        self._handlers: dict[signal.Signals, Any] = {}  # Any: as signal has them
        self._typed = bytearray()
        self._lock = threading.Lock()
        self._wake: tuple[int, int] | None = None
        self._thread: threading.Thread | None = None
        self.write: Callable[[str], object] = self._write
        """Where it is shown; somebody else who writes to the terminal puts its own in this place."""

    def open(self) -> "Lobby":
        """Take the terminal over; does nothing where that cannot be done."""
        if termios is None:
            return self
        try:
            self.before = termios.tcgetattr(self._in)
            termios.tcsetattr(self._in, termios.TCSANOW, _raw(self.before))
        except termios.error:
            self.before = None
            return self
        ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._handlers = {number: signal.signal(number, self._leave) for number in ending}
        self._wake = os.pipe()
        self.show(b"")
        self._thread = threading.Thread(target=self._read, name="lobby", daemon=True)
        self._thread.start()
        return self

    def hand_over(self) -> bytes:
        """Everything that was typed, in order; from here on, somebody else reads the terminal."""
        if self._wake is not None and self._thread is not None:
            os.write(self._wake[1], b".")
            self._thread.join()
            for end in self._wake:
                os.close(end)
            self._wake = None
        with self._lock:
            typed, self._typed = bytes(self._typed), bytearray()
        return typed

    def close(self) -> str:
        """Give the terminal back to the shell; what was typed and is in nobody's hands yet."""
        typed = self.hand_over()
        self._restore()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()
        return shown(typed)

    def _restore(self) -> None:
        if self.before is not None and termios is not None:
            with contextlib.suppress(OSError, termios.error):
                self._write(_LEAVE)
                termios.tcsetattr(self._in, termios.TCSANOW, self.before)
            self.before = None

    def _leave(self, number: int, _frame: FrameType | None) -> None:
        """End at once: nothing was begun, and an exception out of the middle of an import may be lost there."""
        self._restore()
        os._exit(128 + number)

    def _read(self) -> None:
        waiting = self._wake[0] if self._wake else -1
        while True:
            ready = select.select([self._in, waiting], [], [])[0]
            if waiting in ready:
                return
            try:
                data = os.read(self._in, 4096)
            except OSError:
                return
            if not data:
                return
            with self._lock:
                self._typed += data
            self.show(bytes(self._typed))

    def show(self, typed: bytes) -> None:
        """Write the text that these keys make where the composer is, or will be."""
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(self._in)
            row = max(1, (rows or 24) - _LINES_BELOW)
            line = PROMPT + _tail(shown(typed), max(1, (columns or 80) - len(PROMPT) - 1))
            self.write(("" if typed else _ENTER) + f"\x1b[{row};1H\x1b[K{line}")

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(self._out, data) :]


def shown(typed: bytes) -> str:
    """The text that these keys make, up to the first key that is neither text nor a backspace."""
    return split(typed)[0]


def split(typed: bytes) -> tuple[str, bytes]:
    """(the text that the first keys make, everything else): the screen takes the text at once and the rest key by key.

    What the terminal said by itself stands in the rest.
    """
    text: list[str] = []
    keys = keys_of(typed).decode(errors="surrogateescape")
    end = 0
    for end, char in enumerate(keys):  # noqa: B007 - the place of the first other key
        if char in _BACKSPACE:
            del text[-1:]
        elif unicodedata.category(char)[0] == "C":  # control, direction, half a character: the screen knows what to do
            break
        else:
            text.append(char)
    else:
        end = len(keys)
    said = b"".join(found[0] for found in _NO_KEY.finditer(typed))
    return "".join(text), said + keys[end:].encode(errors="surrogateescape")


def keys_of(data: bytes) -> bytes:
    """`data` without what the terminal says by itself."""
    return _NO_KEY.sub(b"", data)


def _tail(text: str, columns: int) -> str:
    """The end of `text` that fits."""
    width = 0
    for place in range(len(text) - 1, -1, -1):
        width += 2 if unicodedata.east_asian_width(text[place]) in "WF" else 1
        if width > columns:
            return text[place + 1 :]
    return text


def _raw(attributes: list[Any]) -> list[Any]:  # Any: as termios has them
    """`attributes` with every key handed on at once and none shown; only Ctrl-C still stops the program."""
    if termios is None:
        return attributes
    flags, keys = attributes[:6], list(attributes[6])
    flags[0] = flags[0] & ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
    flags[3] = flags[3] & ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
    for name in ("VSUSP", "VQUIT", "VDSUSP"):
        if (place := getattr(termios, name, None)) is not None:
            keys[place] = b"\x00"
    keys[termios.VMIN], keys[termios.VTIME] = 1, 0
    return [*flags, keys]
