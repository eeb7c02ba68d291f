"""Ctrl-C, SIGTERM and SIGHUP stop the answer first, so that nothing is left half-done, and then the program."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from ally.engine.interrupt import Interrupt

_ENDING = tuple(
    number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)  # there is no SIGHUP on every platform

_WAKE_AFTER_S = (0.03, 0.2)


class Received:
    """The last signal that arrived, None before the first."""

    number: int | None = None

    @property
    def ends_program(self) -> bool:
        """Whether somebody asked for the end of the program and not only of the answer."""
        return self.number in _ENDING


@contextmanager
def stopping(interrupt: Interrupt) -> Generator[Received]:
    """While inside, the first signal interrupts the turn; a second one is obeyed at once, as `KeyboardInterrupt`.

    Needs a running event loop in the main thread.
    """
    loop = asyncio.get_running_loop()
    received = Received()

    def stop(number: int, _frame: FrameType | None) -> None:
        if received.number is not None:
            raise KeyboardInterrupt
        received.number = number
        loop.call_soon_threadsafe(interrupt.request)

    with _handling(stop, signal.SIGINT, *_ENDING):
        yield received


@contextmanager
def interruptible() -> Generator[None]:
    """While inside, Ctrl-C is `KeyboardInterrupt` at once, also where an event loop would cancel its task for it."""
    with _handling(signal.default_int_handler, signal.SIGINT):
        yield


@contextmanager
def handing_over() -> Generator[None]:
    """While inside, Ctrl-C is for the program that has the terminal."""
    with _handling(lambda number, frame: None, signal.SIGINT):  # not SIG_IGN, which that program would inherit
        yield


@contextmanager
def leaving() -> Generator[None]:
    """While inside, and where `stopping` is not, SIGTERM and SIGHUP leave the program in the ordinary way."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(exit_code(number))

    with _handling(leave, *_ENDING), _woken():
        yield


def exit_code(number: int | None) -> int:
    """The exit code of a program that was stopped by this signal; None stands for Ctrl-C."""
    return 128 + (signal.SIGINT if number is None else number)


@contextmanager
def _woken() -> Generator[None]:
    """While inside, no signal waits until the main thread comes back from a library.

    One that arrives just before `readline` begins to wait for a key would be obeyed only after that key.
    """
    if sys.platform == "win32":
        yield
        return
    main = threading.get_ident()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def wake() -> None:
        while numbers := os.read(reading, 64):
            for wait_s in _WAKE_AFTER_S if set(numbers) - {signal.SIGURG} else ():
                time.sleep(wait_s)
                signal.pthread_kill(main, signal.SIGURG)  # ends the wait, and means nothing
        os.close(reading)

    with _handling(lambda number, frame: None, signal.SIGURG):
        threading.Thread(target=wake, name="signals", daemon=True).start()
        before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            os.close(writing)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], object], *numbers: int) -> Generator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
