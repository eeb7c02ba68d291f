"""One chat as a process of its own: what happens in its page goes in, what the page shows comes out."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence

DRIVER = "ally.tui.browser:BrowserDriver"
GRACE_S = 8.0
"""So long a chat may take to stop what it does and keep what was said."""

_CHUNK_BYTES = 1 << 16
_LAST_WORDS_BYTES = 4_000
_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
"""What the page can draw, whatever the terminal can in which the server runs."""
_OTHER_TERMINAL = (
    *("TMUX", "TMUX_PANE", "STY", "COLORFGBG", "WT_SESSION", "WT_PROFILE_ID"),
    *("TERM_PROGRAM", "TERM_PROGRAM_VERSION", "LC_TERMINAL", "LC_TERMINAL_VERSION", "VTE_VERSION"),
    *("KITTY_WINDOW_ID", "KITTY_PID", "ITERM_SESSION_ID", "GHOSTTY_RESOURCES_DIR", "WEZTERM_PANE", "KONSOLE_VERSION"),
)
"""What tells of the terminal in which the server runs: the page is not in it."""


class ChatProcess:
    """A running chat. However the server ends, the end of its input ends the chat too."""

    def __init__(self, process: asyncio.subprocess.Process, grace_s: float = GRACE_S) -> None:
        self._process = process
        self._grace_s = grace_s
        self._errors = asyncio.create_task(self._listen())
        self._ending = asyncio.Lock()

    @classmethod
    async def start(cls, command: Sequence[str], size: tuple[int, int], grace_s: float = GRACE_S) -> "ChatProcess":
        """Start `command` for a page of so many columns and lines; it gets `grace_s` seconds to end.

        Raises:
            OSError: it cannot be started.
        """
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environment(os.environ, size),
            start_new_session=True,  # Ctrl-C is the server's: it ends the chats one by one
        )
        return cls(process, grace_s)

    async def output(self) -> AsyncIterator[bytes]:
        """What it paints, until it has ended."""
        assert self._process.stdout  # noqa: S101 - it is a pipe
        while data := await self._process.stdout.read(_CHUNK_BYTES):
            yield data

    async def tell(self, *happened: object) -> None:
        """Tell it what happened in the page; nothing if it has ended."""
        given = self._process.stdin
        assert given  # noqa: S101 - it is a pipe
        if self._process.returncode is None and not given.is_closing():
            with contextlib.suppress(OSError):
                given.write(json.dumps(happened).encode() + b"\n")
                await given.drain()

    async def end(self) -> str:
        """Let it stop and keep what was said, and wait for that; by force if it takes too long. Its last words.

        Somebody must go on reading `output` meanwhile.
        """
        async with self._ending:
            if self._process.stdin is not None:
                self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), self._grace_s)
            except TimeoutError:
                self._kill()
                await self._process.wait()
            finally:
                if self._process.returncode is None:
                    self._kill()
            await asyncio.wait({self._errors}, timeout=1)  # what it left in the background may hold the pipe
            self._errors.cancel()
            done = self._errors.done() and not self._errors.cancelled()
            return self._errors.result().decode(errors="replace") if done else ""

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    async def _listen(self) -> bytes:
        """The end of what it writes to standard error."""
        assert self._process.stderr  # noqa: S101 - it is a pipe
        said = b""
        while data := await self._process.stderr.read(_CHUNK_BYTES):
            said = (said + data)[-_LAST_WORDS_BYTES:]
        return said


def environment(env: Mapping[str, str], size: tuple[int, int]) -> dict[str, str]:
    """The variables of a chat in a page of so many columns and lines, started by a program with `env`."""
    kept = {name: value for name, value in env.items() if name not in _OTHER_TERMINAL}
    return {**kept, **_TERMINAL, "TEXTUAL_DRIVER": DRIVER, "COLUMNS": str(size[0]), "LINES": str(size[1])}
