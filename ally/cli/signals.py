"""Ctrl-C and SIGTERM stop the answer, not the program."""

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from ally.engine.interrupt import Interrupt


class Received:
    """The last signal that arrived, None before the first."""

    number: int | None = None


@contextmanager
def stopping(interrupt: Interrupt) -> Generator[Received]:
    """While inside, the first SIGINT or SIGTERM interrupts the turn; a second one is obeyed at once.

    Needs a running event loop in the main thread.
    """
    loop = asyncio.get_running_loop()
    received = Received()

    def stop(number: int, _frame: FrameType | None) -> None:
        if received.number is not None:
            raise KeyboardInterrupt
        received.number = number
        loop.call_soon_threadsafe(interrupt.request)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
