"""Blocking work beside the event loop."""

import asyncio
import contextlib
from collections.abc import Callable
from threading import Event
from typing import TypeVar

Result = TypeVar("Result")


async def run_to_end(work: Callable[[Event], Result]) -> Result:
    """What `work` gives, done in a thread.

    Cancelling sets the event that `work` gets, so that long work can stop early, and waits until it has ended: nothing
    happens to files after the call is over.
    """
    stop = Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # looked at, or asyncio complains that nobody did
        raise
