"""Waiting that ends early: when the user interrupts, or when the time is up."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import TypeVar

T = TypeVar("T")


class Interrupted(Exception):
    """The user asked to stop."""


class TimeUp(Exception):
    """The turn has used up its seconds."""


class Interrupt:
    """Ends whatever the current turn waits for. One per conversation; `request` may be called from a signal handler."""

    def __init__(self) -> None:
        self._stop = asyncio.Event()
        self._deadline: float | None = None

    def request(self) -> None:
        """Stop the current turn; without one running, the next start clears it."""
        self._stop.set()

    def start(self, max_seconds: float | None) -> None:
        """Begin a turn that may take `max_seconds`."""
        self._stop.clear()
        self._deadline = None if max_seconds is None else time.monotonic() + max_seconds

    @property
    def is_over(self) -> bool:
        """Whether the turn has to end."""
        return self._stop.is_set() or (self._deadline is not None and time.monotonic() >= self._deadline)

    async def wait_for(self, work: Awaitable[T]) -> T:
        """The result of `work`, which is cancelled when the turn has to end, and not begun when it has to already.

        Raises:
            Interrupted: the user asked to stop.
            TimeUp: the turn's seconds are over.
        """
        task = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stop.wait())
        left_s = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        try:
            if not self.is_over:  # else work that never has to wait, as a stream faster than its reader, would go on
                await asyncio.wait({task, stopping}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled():
            raise Interrupted if self._stop.is_set() else TimeUp
        return task.result()

    async def sleep(self, seconds: float) -> None:
        """Wait, but not longer than the turn lasts."""
        await self.wait_for(asyncio.sleep(seconds))

    async def each(self, stream: AsyncIterator[T]) -> AsyncGenerator[T]:
        """The items of `stream`; it is closed however the loop over it ends."""
        try:
            while True:
                try:
                    item = await self.wait_for(anext(stream))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()
