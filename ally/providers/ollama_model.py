"""What is special about models of an Ollama server: some are in a cloud, and some get less context than asked for."""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import cast

from ally.egress import offline
from ally.errors import ContextTooLong, OfflineRefused
from ally.models.servers.ollama import Loaded, full_name
from ally.providers.model import Chunk, Done, Model, Profile, Request


class MeasuredModel:
    """`model`, with the window that its server turns out to serve.

    After the first answer `measure` says what the server has in memory. A request that is refused as too long says it,
    too.
    """

    def __init__(self, model: Model, measure: Callable[[], Mapping[str, Loaded]]) -> None:
        self._model = model
        self._measure = measure
        self._served: int | None = None
        self._is_measured = False

    @property
    def profile(self) -> Profile:
        """What is known of the model: what the server said, then what it showed."""
        profile, served = self._model.profile, self._served
        window = profile.context_window
        if served is None or window is None or (served >= window and profile.context_window_source == "user"):
            return profile
        return replace(profile, context_window=min(served, window), context_window_source="measured")

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer."""
        try:
            async with aclosing(cast("AsyncGenerator[Chunk, None]", self._model.stream(request))) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, Done):
                        self._look_once()
                    yield chunk
        except ContextTooLong as error:
            if error.limit_tokens is None:
                error.limit_tokens = self.profile.context_window
            self._served = error.limit_tokens
            raise

    async def close(self) -> None:
        """Give back connections; the model is not used afterwards."""
        await self._model.close()

    def _look_once(self) -> None:
        """Look what the server serves while the answer is being used; the program does not wait for it at its end."""
        if not self._is_measured and self._model.profile.location != "cloud":
            self._is_measured = True
            threading.Thread(target=self._look, daemon=True, name="ollama-window").start()

    def _look(self) -> None:
        memory = self._measure().get(full_name(self._model.profile.model))
        if memory is not None and memory.context_window is not None:
            self._served = memory.context_window


class CloudModel:
    """`model`, which its server passes on to Ollama's cloud: what is said to it leaves this machine."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def profile(self) -> Profile:
        """What is known of the model; its location is the cloud."""
        return replace(self._model.profile, location="cloud")

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer.

        Raises:
            OfflineRefused: nothing may leave this machine.
        """
        if offline.is_enabled():
            raise OfflineRefused("Ollama's cloud", provider=self.profile.provider, model=self.profile.model)
        async with aclosing(cast("AsyncGenerator[Chunk, None]", self._model.stream(request))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """Give back connections; the model is not used afterwards."""
        await self._model.close()
