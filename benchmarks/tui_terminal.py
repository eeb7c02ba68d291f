"""A program on a pseudo-terminal that answers as a terminal does, and when each typed letter is shown by it."""

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROWS, COLUMNS = 30, 120
KEY_EVERY_S = 0.02
LIMIT_S = 60.0
LETTERS = [
    chr(code) for code in (*range(0x100, 0x131), *range(0x134, 0x149), *range(0x14A, 0x17F), *range(0x410, 0x450))
]
"""Each is typed once, so that the moment it is shown is known without an emulator; no program shows them by itself."""

_CODES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])", re.DOTALL)
ASKED = re.compile(
    rb"\x1b(?:(?P<da1>\[0?c)|(?P<da2>\[>0?c)|(?P<dsr>\[5n)|(?P<cursor>\[6n)|(?P<kitty>\[\?u)|(?P<version>\[>0?q)"
    rb"|\[\?(?P<mode>\d+)\$p|\](?P<colour>1[012]);\?(?:\x07|\x1b\\)|\[(?P<size>1[468])t)"
)
_PLAIN_ANSWERS = {
    "da1": b"\x1b[?62;22c",
    "da2": b"\x1b[>1;10;0c",
    "dsr": b"\x1b[0n",
    "cursor": b"\x1b[1;1R",
    "kitty": b"\x1b[?0u",
    "version": b"\x1bP>|bench 1\x1b\\",
}
_SIZES = {b"14": b"\x1b[4;600;960t", b"16": b"\x1b[6;20;8t", b"18": b"\x1b[8;30;120t"}
LONGEST_QUESTION = 32


@dataclass(slots=True)
class Typed:
    """What was seen of one start; times are seconds from exec, None for what did not happen.

    `lags_s` are of the letters that were typed after the first one was shown, from the press to the screen.
    """

    painted_s: float | None = None
    usable_s: float | None = None
    loaded_s: float | None = None
    lags_s: list[float] = field(default_factory=list)
    lost: int = 0
    output: bytes = b""


def answer_to(asked: re.Match[bytes]) -> bytes:
    """What an xterm-like terminal with a dark background says to one of its programs' questions."""
    kind = asked.lastgroup or ""
    match kind:
        case "mode":  # synchronized output is known, all else is not
            return b"\x1b[?%b;%d$y" % (asked["mode"], 2 if asked["mode"] == b"2026" else 0)
        case "colour":
            value = b"rgb:1010/1010/1010" if asked["colour"] == b"11" else b"rgb:d0d0/d0d0/d0d0"
            return b"\x1b]%b;%b\x1b\\" % (asked["colour"], value)
        case "size":
            return _SIZES[asked["size"]]
        case _:
            return _PLAIN_ANSWERS[kind]


class Terminal:
    """One start of a program; a letter is typed every 20 ms as soon as it takes the keys over."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._begun = time.monotonic()
        self._child, self._master = pty.fork()
        if not self._child:
            try:
                os.chdir(folder)
                os.execvpe(words[0], list(words), dict(environment))
            finally:
                os._exit(127)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = b""
        self._sent: dict[str, float] = {}
        self._shown: dict[str, float] = {}
        self.seen = Typed()

    def watch(self, seconds: float, mark: str = "") -> Typed:
        """Type until `seconds` after the first letter was shown, or a minute; `mark`: shown by what is loaded then."""
        letters = iter(LETTERS)
        due = 0.0
        while self._now() < LIMIT_S:
            if self.seen.usable_s is not None and self._now() > self.seen.usable_s + seconds:
                break
            if self._now() >= due and self._takes_keys():
                if (letter := next(letters, None)) is not None:
                    self._sent[letter] = self._now()
                    os.write(self._master, letter.encode())
                due = self._now() + KEY_EVERY_S
            if not self._read(max(0.001, min(due - self._now(), 0.005)), mark):
                break
        return self._judge()

    def close(self) -> None:
        """End the program and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child, signal.SIGKILL)
        os.close(self._master)
        os.waitpid(self._child, 0)

    def _now(self) -> float:
        return time.monotonic() - self._begun

    def _takes_keys(self) -> bool:
        """Whether the program shows what is typed; before, the kernel would, and the program might not get it."""
        try:
            return not termios.tcgetattr(self._master)[3] & termios.ECHO
        except termios.error:
            return False

    def _read(self, timeout_s: float, mark: str) -> bool:
        """Take what the program writes; False at its end."""
        if not select.select([self._master], [], [], timeout_s)[0]:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        now = self._now()
        self.seen.output += data
        self._reply(data)
        if self.seen.painted_s is None and _CODES.sub(b"", self.seen.output).strip():
            self.seen.painted_s = now
        text = self._decoder.decode(data)
        for letter in self._sent:
            if letter not in self._shown and letter in text:
                self._shown[letter] = now
                self.seen.usable_s = now if self.seen.usable_s is None else self.seen.usable_s
        if mark and self.seen.loaded_s is None and mark.encode() in self.seen.output[-len(data) - len(mark) :]:
            self.seen.loaded_s = now
        return bool(data)

    def _reply(self, data: bytes) -> None:
        pending = self._tail + data
        end = 0
        for asked in ASKED.finditer(pending):
            os.write(self._master, answer_to(asked))
            end = asked.end()
        self._tail = pending[max(end, len(pending) - LONGEST_QUESTION) :]

    def _judge(self) -> Typed:
        usable = self.seen.usable_s
        late = self._now() - 0.5  # what was typed just now may still be on its way
        for letter, sent in self._sent.items():
            if usable is not None and sent >= usable:
                if letter in self._shown:
                    self.seen.lags_s.append(self._shown[letter] - sent)
                elif sent < late:
                    self.seen.lost += 1
        return self.seen
