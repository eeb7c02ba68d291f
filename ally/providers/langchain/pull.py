"""An answer pulled in the background, so that it can be left at any moment."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final

from ally.errors import IdleStream
from ally.providers.langchain.caller import Caller
from ally.providers.langchain.vendor import Drive

LEAVE_AFTER_S: Final = 0.25
"""How long a vendor's own cleaning up may hold back the one who cancelled."""


@dataclass(frozen=True, slots=True)
class _Piece:
    value: object


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


CANCEL_TIMES: Final = 5
GRACE_S: Final = 0.25
"""Lets a vendor's own timer of the same length go first: cancelled while cleaning up, it leaves its socket open."""
WHOLE_ANSWER: Final = 5
"""A whole answer comes after one long silence, so it may last this many idle times."""

AsyncSource = Callable[[], AsyncIterator[object]]
BlockingSource = Callable[[], Iterator[object]]
_END: Final = object()
_Queue = asyncio.Queue[object]


def drive(
    llm: Any,  # Any: a LangChain object
    messages: object,
    way: Drive,
    caller: Caller,
    options: dict[str, object],
) -> AsyncGenerator[object, None]:
    """The pieces of one answer, driven in the way that the class implements natively."""
    whole_s = caller.idle_s * WHOLE_ANSWER

    async def piece() -> AsyncGenerator[object, None]:
        yield await llm.ainvoke(messages, **options)

    def blocking_piece() -> Iterator[object]:
        yield llm.invoke(messages, **options)

    match way:
        case "astream":
            return pull(lambda: llm.astream(messages, **options), caller, caller.idle_s)
        case "stream":
            return pull_in_thread(lambda: llm.stream(messages, **options), caller, caller.idle_s)
        case "ainvoke":
            return pull(piece, caller, whole_s)
        case "invoke":
            return pull_in_thread(blocking_piece, caller, whole_s)


async def pull(source: AsyncSource, caller: Caller, idle_s: float) -> AsyncGenerator[object, None]:
    """The values of an asynchronous source.

    The source runs in a task of its own: closing this iterator cancels that task and waits at most
    `LEAVE_AFTER_S` for it.

    Raises:
        IdleStream: nothing came for `idle_s` seconds.
    """
    queue = _Queue()

    async def pump() -> None:
        try:
            async for value in source():
                queue.put_nowait(_Piece(value))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - boundary: a stranger's plug-in; the reader raises it
            queue.put_nowait(_Failed(error))

    task = asyncio.create_task(pump())
    task.add_done_callback(lambda _: queue.put_nowait(_END))
    try:
        async for value in _read(queue, caller, idle_s):
            yield value
    finally:
        await _cancel(task)


async def pull_in_thread(source: BlockingSource, caller: Caller, idle_s: float) -> AsyncGenerator[object, None]:
    """The values of a source that blocks.

    It runs in a thread that is simply left behind when this iterator is closed: it stops at its next value, and being
    a daemon it does not keep the program from ending.

    Raises:
        IdleStream: nothing came for `idle_s` seconds.
    """
    queue, loop, left = _Queue(), asyncio.get_running_loop(), threading.Event()

    def post(item: object) -> None:
        try:
            loop.call_soon_threadsafe(queue.put_nowait, item)
        except RuntimeError:  # the loop is closed: nobody waits any more
            left.set()

    def work() -> None:
        try:
            for value in source():
                if left.is_set():
                    return
                post(_Piece(value))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - boundary: as in pull
            post(_Failed(error))
        finally:
            post(_END)

    threading.Thread(target=copy_context().run, args=(work,), name=f"ally-{caller.provider}", daemon=True).start()
    try:
        async for value in _read(queue, caller, idle_s):
            yield value
    finally:
        left.set()


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel until it is over: libraries that use `wait_for` of Python 3.11 swallow a cancellation now and then."""
    for _ in range(CANCEL_TIMES):
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=LEAVE_AFTER_S / CANCEL_TIMES)
        if done:
            return


async def _read(queue: _Queue, caller: Caller, idle_s: float) -> AsyncGenerator[object, None]:
    while True:
        try:
            # Not wait_for: in Python 3.11 it loses a cancellation when an item has just come.
            async with asyncio.timeout(idle_s + GRACE_S):
                item = await queue.get()
        except TimeoutError:
            raise IdleStream(idle_s, provider=caller.provider, model=caller.model) from None
        match item:
            case _Piece(value):
                yield value
            case _Failed(SystemExit() as error):
                raise RuntimeError("the library tried to end the program") from error
            case _Failed(error):
                raise error
            case _:
                return
