"""What is typed while the model works: messages for later, and answers to questions, never one for the other."""

import asyncio
import os
import select
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal

if sys.platform != "win32":
    import termios

QUIET_S = 0.5
"""So long nothing may have been typed before an answer counts: who types does not read."""

_PASTE_S = 0.05
_LOCAL_FLAGS, _CONTROL_CHARS = 3, 6  # places in what tcgetattr gives


class Keyboard:
    """The lines of a terminal, read in the running event loop.

    Outside of `fresh_line` what is typed goes to `take`, lines that arrive together as one text.
    """

    def __init__(self, fd: int, take: Callable[[str], None]) -> None:
        self._fd = fd
        self._take = take
        self._state: Literal["take", "drop", "answer"] = "take"
        self._has_dropped = False
        self._is_over = False
        self._answer: asyncio.Future[str | None] | None = None

    @contextmanager
    def watching(self) -> Generator[None]:
        """While inside, what is typed is read."""
        loop = asyncio.get_running_loop()
        self._is_over = False
        loop.add_reader(self._fd, self._read)
        try:
            yield
        finally:
            loop.remove_reader(self._fd)

    async def fresh_line(self, prompt: Callable[[], None]) -> str | None:
        """A line whose every key was pressed after `prompt` was called; None when there will be none.

        `prompt` is called when nothing was typed for a while; keys pressed until then are thrown away.
        """
        if self._is_over:
            return None
        self._state = "drop"
        try:
            with _keys_one_by_one(self._fd):
                await self._quiet()
            self._answer = asyncio.get_running_loop().create_future()
            self._state = "answer"
            prompt()
            return await self._answer
        finally:
            self._state, self._answer = "take", None

    async def _quiet(self) -> None:
        while True:
            self._has_dropped = False
            await asyncio.sleep(QUIET_S)
            if not self._has_dropped:
                return

    def _read(self) -> None:
        if not select.select([self._fd], [], [], 0)[0]:  # thrown away since the loop saw it; reading would block
            return
        text = self._available()
        if text is None:
            self._is_over = True  # the next reader of standard input finds the end again
            asyncio.get_running_loop().remove_reader(self._fd)
        if self._state == "drop":
            self._has_dropped = True
        elif self._state == "answer":
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(text)
        elif text and text.strip():
            self._take(text)

    def _available(self) -> str | None:
        """What can be read now, without the last line end; None at the end of the input."""
        data = self._read_bytes()
        if not data:
            return None
        # The lines of a pasted block come one by one, close together.
        pause_s = _PASTE_S if self._state != "drop" else 0
        while data.endswith(b"\n") and select.select([self._fd], [], [], pause_s)[0]:
            more = self._read_bytes()
            if not more:
                break
            data += more
        return data.decode("utf-8", errors="replace").removesuffix("\n")

    def _read_bytes(self) -> bytes:
        try:
            return os.read(self._fd, 65536)
        except OSError:  # the terminal is gone
            return b""


@contextmanager
def _keys_one_by_one(fd: int) -> Generator[None]:
    """While inside, every key is seen at once and not shown; Ctrl-C works. What was not read by the end is lost."""
    before = termios.tcgetattr(fd)
    changed = termios.tcgetattr(fd)
    changed[_LOCAL_FLAGS] &= ~(termios.ICANON | termios.ECHO)
    changed[_CONTROL_CHARS][termios.VMIN], changed[_CONTROL_CHARS][termios.VTIME] = 1, 0
    # Not TCSAFLUSH: it waits until somebody has read all that was written.
    termios.tcsetattr(fd, termios.TCSANOW, changed)
    termios.tcflush(fd, termios.TCIFLUSH)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSANOW, before)
        termios.tcflush(fd, termios.TCIFLUSH)
