"""Commands the user types for themselves (`!cmd`): with their own rights, environment and terminal, in no sandbox."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from ally.tools.output import Limits, Output
from ally.tools.painting import FirstScreen

if sys.platform != "win32":
    import pty
    import termios
    import tty

LIMITS = Limits(lines=100, size_bytes=6_000)
"""What is kept for the conversation."""
FULL_SCREEN = "(a full-screen program)"
"""What stands for all that such a program drew."""
_CHUNK_BYTES = 1 << 16
_INTERRUPTED = 130
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class Said:
    """The exit code as shells count it (130: interrupted), and what was printed: beginning and end when it is long.

    What a full-screen program drew, such as an editor, is not among it.
    """

    code: int
    text: str


def run_user_command(command: str, cwd: Path) -> Said:
    """Run `command` in the user's shell with this terminal, or with these streams where there is none.

    It blocks until the command ends. On a terminal the command owns it meanwhile: keys, Ctrl-C and full-screen
    programs work; elsewhere an interrupt ends the command.

    Raises:
        OSError: it cannot be started.
    """
    if sys.platform == "win32":  # the console is the command's meanwhile, and nothing of what it prints is kept
        return Said(subprocess.run(command, cwd=cwd, shell=True, check=False).returncode, "")  # noqa: S602 - the user's own

    def shown(words: list[str], feed: Callable[[bytes], None]) -> int:
        def take(data: bytes) -> None:
            feed(data)
            _write(1, data)

        has_terminal = os.isatty(0) and os.isatty(1)
        return _on_terminal(words, cwd, feed) if has_terminal else _on_streams(words, cwd, take, lambda: False)

    return _said(command, shown)


def run_unseen(command: str, cwd: Path, is_over: Callable[[], bool]) -> Said:
    """Run `command` in the user's shell without a terminal, and show nothing of it.

    It blocks until the command ends, which it has to as soon as `is_over`.

    Raises:
        OSError: it cannot be started.
    """
    if sys.platform == "win32":
        kept = subprocess.run(command, cwd=cwd, shell=True, check=False, capture_output=True)  # noqa: S602 - the user's own
        return Said(kept.returncode, (kept.stdout + kept.stderr).decode("utf-8", "replace")[: LIMITS.size_bytes])
    return _said(command, lambda words, feed: _on_streams(words, cwd, feed, is_over))


def _said(command: str, run: Callable[[list[str], Callable[[bytes], None]], int]) -> Said:
    output = Output(None, "user", LIMITS)
    screen = FirstScreen(output.feed)
    code = run([os.environ.get("SHELL") or "/bin/sh", "-c", command], screen.take)
    screen.close()
    text = output.take()
    if screen.was_left:
        text = f"{text.rstrip()}\n{FULL_SCREEN}\n".lstrip()
    return Said(code if code >= 0 else 128 - code, text)


def _on_streams(words: list[str], cwd: Path, take: Callable[[bytes], None], is_over: Callable[[], bool]) -> int:
    """`take` gets the output as it comes; when the command has ended, nothing more is waited for."""
    sys.stdout.flush()
    process = subprocess.Popen(
        words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0, stdin=subprocess.DEVNULL
    )
    assert process.stdout  # noqa: S101 - it is a pipe
    with process:
        try:
            return process.wait() if _follow(process, process.stdout.fileno(), take, is_over) else _INTERRUPTED
        except KeyboardInterrupt:
            return _INTERRUPTED
        finally:
            if process.poll() is None:
                _end(process)


def _follow(
    process: subprocess.Popen[bytes], reading: int, take: Callable[[bytes], None], is_over: Callable[[], bool]
) -> bool:
    """Whether it came to its end."""
    sources = [reading]
    while not is_over():
        if select.select(sources, [], [], 0.05)[0]:
            data = os.read(reading, _CHUNK_BYTES)
            if data:
                take(data)
            else:
                sources.clear()  # it goes on without a word
        elif process.poll() is not None:
            return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt it and all in its group, then end them."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)


def _on_terminal(words: list[str], cwd: Path, feed: Callable[[bytes], None]) -> int:
    """The command gets a terminal of its own, and what passes between it and this one is kept."""
    sys.stdout.flush()
    master, slave = pty.openpty()
    try:
        _copy_size(master)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *words],
            cwd=cwd,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    try:
        with _raw(), _resized(master):
            _relay(master, process, feed)
        return process.wait()
    finally:
        os.close(master)  # whatever still uses that terminal is hung up
        if process.poll() is None:
            process.kill()
            process.wait()


_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


def _relay(master: int, process: subprocess.Popen[bytes], feed: Callable[[bytes], None]) -> None:
    sources = [master, 0]
    while True:
        ready = select.select(sources, [], [], 0.05)[0]
        if master in ready:
            try:
                data = os.read(master, _CHUNK_BYTES)
            except OSError:  # nobody holds the other end any more
                return
            if not data:
                return
            feed(data)
            _write(1, data)
        elif process.poll() is not None:
            return
        if 0 in ready:
            typed = os.read(0, _CHUNK_BYTES)
            if typed:
                _write(master, typed)
            else:
                sources.remove(0)


@contextlib.contextmanager
def _raw() -> Generator[None, None, None]:
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _resized(master: int) -> Generator[None, None, None]:
    """Pass on changes of the window's size; only the main thread can hear of them."""
    try:
        before = signal.signal(signal.SIGWINCH, lambda number, frame: _copy_size(master))
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _copy_size(master: int) -> None:
    with contextlib.suppress(OSError, termios.error):
        termios.tcsetwinsize(master, termios.tcgetwinsize(1))


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
