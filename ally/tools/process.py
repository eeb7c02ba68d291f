"""Running one command to its end, and ending all that it started.

Each command has a thread that reads what it prints and waits for it, so that it goes on while no event loop runs, and
so that ending it does not depend on one.
"""

import asyncio
import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass

from ally.sandbox import Confinement, Launch, Sandbox

TERM_GRACE_S = 0.4
"""Between asking a process to end and ending it."""
PIPE_GRACE_S = 0.2
"""How long output is waited for when the command itself has ended and something it started holds the pipe."""
_GIVE_UP_S = 1.0  # after which even a killed process is not waited for: it hangs in the system
_TICK_S = 0.05
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, and how it is confined."""

    sandbox: Sandbox
    argv: Sequence[str]
    confinement: Confinement


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: the exit code, negative for a signal, and how long it took."""

    code: int
    seconds: float

    @property
    def how(self) -> str:
        """`exit 1` or `ended by SIGTERM`."""
        if self.code >= 0:
            return f"exit {self.code}"
        known = {member.value: member.name for member in signal.Signals}
        return f"ended by {known.get(-self.code, f'signal {-self.code}')}"


class Child:
    """A command that runs. `ended` is set when it and all that it started are gone.

    `feed` gets what it prints, both outputs together, in a thread. Standard input is empty.

    Raises:
        SandboxRefused: it cannot be confined as asked; nothing was started.
        OSError: it cannot be started.
    """

    def __init__(self, command: Command, feed: Callable[[bytes], None]) -> None:
        self.ended: Future[Ended] = Future()
        self._feed = feed
        self._stopping = threading.Event()
        self._started = time.monotonic()
        with ExitStack() as stack:
            launch = stack.enter_context(command.sandbox.launch(command.argv, command.confinement))
            self._pipe = _open_pipe(stack)
            self._process = self._start(launch)
            os.close(self._pipe.pop())
            if command.sandbox.tier != "A":
                stack.enter_context(_guard(self._process.pid))
            self._held = stack.pop_all()
        threading.Thread(target=self._live, name="command", daemon=True).start()

    def stop(self) -> None:
        """Ask it to end, then end it; returns at once."""
        self._stopping.set()

    def _start(self, launch: Launch) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            launch.argv,
            env=launch.env,
            cwd=launch.cwd,
            pass_fds=launch.pass_fds,
            stdin=subprocess.DEVNULL,
            stdout=self._pipe[1],
            stderr=self._pipe[1],
            start_new_session=True,
        )

    def _live(self) -> None:
        try:
            try:
                self._follow()
            finally:
                _signal_group(self._process.pid, signal.SIGKILL)
                self._held.close()
            code = self._process.poll()
            self.ended.set_result(Ended(-9 if code is None else code, time.monotonic() - self._started))
        except BaseException as exc:  # noqa: BLE001 - boundary: whoever waits for the thread gets it
            self.ended.set_exception(exc)

    def _follow(self) -> None:
        """Until it has ended and its pipe is empty, or there was time enough for that."""
        gone_at = kill_at = float("inf")
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe[0], selectors.EVENT_READ)
            while True:
                at_end = False
                if selector.select(_TICK_S if selector.get_map() else 0):
                    data = os.read(self._pipe[0], _CHUNK_BYTES)
                    if data:
                        self._feed(data)
                    else:
                        selector.unregister(self._pipe[0])
                if not selector.get_map():
                    at_end = self._has_ended(_TICK_S)
                now = time.monotonic()
                if at_end or now > gone_at + PIPE_GRACE_S or now > kill_at + _GIVE_UP_S:
                    return
                if gone_at > now and self._has_ended(0):
                    gone_at = now
                if self._stopping.is_set():
                    _signal_group(self._process.pid, signal.SIGTERM if kill_at > now else signal.SIGKILL)
                    kill_at = min(kill_at, now + TERM_GRACE_S)

    def _has_ended(self, wait_s: float) -> bool:
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            return False
        return True


async def run_to_exit(command: Command, feed: Callable[[bytes], None]) -> Ended:
    """Run it and wait until it and all that it started are gone; cancelling ends it within a second.

    Raises:
        SandboxRefused: it cannot be confined as asked; nothing was started.
        OSError: it cannot be started.
    """
    child = Child(command, feed)
    ended = asyncio.wrap_future(child.ended)
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        child.stop()
        while not ended.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({ended})
        if not ended.cancelled():
            ended.exception()  # looked at, or asyncio complains that nobody did
        raise


def _open_pipe(stack: ExitStack) -> list[int]:
    """The reading end, closed with `stack`, and the writing end, closed by whoever takes it from the list."""
    ends = list(os.pipe())
    stack.callback(lambda: [os.close(end) for end in ends])
    return ends


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


@contextlib.contextmanager
def _guard(group: int) -> Generator[None, None, None]:
    """Ends the group when this program dies in a way that lets it do nothing; needed where no sandbox does so."""
    script = f"read line || kill -s KILL -- -{group}"
    quiet = subprocess.DEVNULL
    guard = subprocess.Popen(
        ["/bin/sh", "-c", script], env={}, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            guard.communicate(b"\n", timeout=_GIVE_UP_S)
        guard.kill()
        guard.wait()
