"""A model whose server is asked what it is: when it is made, and again when that may have changed."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Generic, TypeVar, cast

from ally.errors import ContextTooLong, Unreachable
from ally.models.servers.answers import TIMEOUT_S, forget, within
from ally.providers.model import Chunk, Done, Model, Profile, Request

T = TypeVar("T")

MOST_QUESTIONS = 3
"""How often a server that runs and says nothing is asked again."""


class AskingModel(Generic[T]):
    """The model that `build` makes of what `ask` says of it.

    `ask` blocks, is given 0.3 seconds, and gives None if the server says nothing. It is asked when the model is made
    (a server that was asked a moment ago repeats its answer), before the next few requests as long as it says nothing,
    after the first answer if what it said `is_partial` before, after a request that was too long, and before the next
    one if the server could not be reached. `profile` follows.
    """

    def __init__(
        self,
        ask: Callable[[], T | None],
        build: Callable[[T | None], Model],
        is_partial: Callable[[T], bool] = lambda said: False,
    ) -> None:
        self._ask, self._build, self._is_partial = ask, build, is_partial
        self._said = within(TIMEOUT_S, ask)
        self._model = build(self._said)
        self._is_due = self._said is None
        self._left = MOST_QUESTIONS
        self._has_answered = False
        self._streaming = 0
        self._replaced: list[Model] = []

    @property
    def profile(self) -> Profile:
        """What is known of the model now."""
        return self._model.profile

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer."""
        if self._is_due and self._left:
            self._left -= 1
            await self._ask_again()
        self._streaming += 1
        try:
            async with aclosing(cast("AsyncGenerator[Chunk, None]", self._model.stream(request))) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, Done):
                        await self._learn()
                    yield chunk
        except ContextTooLong:
            forget()
            await self._ask_again()
            raise
        except Unreachable:
            forget()
            self._is_due, self._left = True, MOST_QUESTIONS
            raise
        finally:
            self._streaming -= 1

    async def close(self) -> None:
        """Give back connections; the model is not used afterwards."""
        await self._close_replaced()
        await self._model.close()

    async def _learn(self) -> None:
        """Ask once more what is known only of a model that is loaded, which it is by now."""
        if not self._has_answered and self._said is not None and self._is_partial(self._said):
            forget()
            await self._ask_again()
        self._has_answered = True

    async def _ask_again(self) -> None:
        said = await _in_thread(self._ask)
        self._is_due = said is None
        if said is None or said == self._said:
            return
        self._said = said
        self._replaced.append(self._model)
        self._model = self._build(said)
        if not self._streaming:
            await self._close_replaced()

    async def _close_replaced(self) -> None:
        while self._replaced:
            await self._replaced.pop().close()


async def _in_thread(ask: Callable[[], T | None]) -> T | None:
    """What `ask` gives in time. Neither a request that is given up nor the end of the program waits for it."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[T | None] = loop.create_future()

    def give(said: T | None) -> None:
        if not answered.done():
            answered.set_result(said)

    def run() -> None:
        said = within(TIMEOUT_S, ask)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(give, said)

    threading.Thread(target=run, daemon=True, name="asking").start()
    return await answered
