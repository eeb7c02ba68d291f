"""The one streaming client under the wire formats."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Literal, Protocol

import httpx2

from ally.egress.failures.faults import Faults, Hints
from ally.egress.location import classify
from ally.errors import BadRequest
from ally.providers.model import Chunk, Profile, Request
from ally.providers.wire.answer import Parser
from ally.providers.wire.connection import FAILURES, Call, Connection
from ally.providers.wire.framing import read_lines, read_sse
from ally.providers.wire.refused import without_refused
from ally.providers.wire.target import Target

_LINGER_S = 0.05
_OK = 200


class Wire(Protocol):
    """One wire format: how a request is written and an answer read. It opens no connection."""

    @property
    def framing(self) -> Literal["sse", "lines"]:
        """How the events of an answer are told apart."""
        ...

    @property
    def hints(self) -> Hints:
        """What to do when the service is not there or lacks the model."""
        ...

    def write(self, target: Target, request: Request) -> Call:
        """The HTTP request; equal arguments give equal bytes."""
        ...

    def read(self, request: Request, faults: Faults) -> Parser:
        """A parser for the answer."""
        ...


class WireModel:
    """A model behind `wire`, as the `Model` port. It belongs to the event loop of its first call."""

    def __init__(self, target: Target, wire: Wire, *, context_window: int | None = None) -> None:
        self._target = target
        self._wire = wire
        self._faults = Faults(target, wire.hints)
        self._connection = Connection(target, self._faults)
        self._profile = profile_of(target, context_window=context_window)

    @property
    def profile(self) -> Profile:
        """What is known of the model."""
        return self._profile

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer; a field that the service refuses is left out from then on."""
        while True:
            parser = self._wire.read(request, self._faults)
            started = False
            try:
                async with aclosing(self._receive(request, parser)) as chunks:
                    async for chunk in chunks:
                        started = True
                        yield chunk
            except BadRequest as error:
                target = None if started else without_refused(self._target, error)
                if target is None:
                    raise
                self._target = target
            else:
                break
        # Here the connection is free again, whatever the reader does next.
        for chunk in parser.end():
            yield chunk

    async def close(self) -> None:
        """Give back connections; the model is not used afterwards."""
        await self._connection.close()

    async def _receive(self, request: Request, parser: Parser) -> AsyncGenerator[Chunk]:
        call = self._wire.write(self._target, request)
        response: httpx2.Response | None = None
        with self._connection.translated(lambda: response is not None, lambda: parser.is_complete):
            response = await self._connection.send(call, request.purpose)
            try:
                if response.status_code != _OK:
                    raise await self._connection.refusal(response)
                async with aclosing(self._read(response, parser)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            finally:
                await response.aclose()

    async def _read(self, response: httpx2.Response, parser: Parser) -> AsyncGenerator[Chunk]:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if "html" in media_type:
            raise self._faults.bad_reply("answered with a web page instead of a model's answer")
        if media_type == "application/json" and self._wire.framing == "sse":
            for chunk in parser.whole(await self._connection.read(response)):
                yield chunk
            return
        events = read_sse(response) if self._wire.framing == "sse" else read_lines(response)
        async with aclosing(events):
            async for event, data in events:
                for chunk in parser.feed(event, data):
                    yield chunk
                if parser.is_over:
                    await drain(events)
                    return


def profile_of(target: Target, *, context_window: int | None = None) -> Profile:
    """What the target says of the model; `context_window` is one that the user fixed in another way."""
    window = context_window or target.context_window
    source = "user" if context_window else target.context_window_source
    return Profile(
        provider=target.provider,
        model=target.model,
        location=classify(target.base_url),
        context_window=window,
        context_window_source=source if window else "guess",
        tools=target.quirks.tools,
        constrains=target.quirks.structured == "json_schema" if target.constrains is None else target.constrains,
        images=target.quirks.images,
        streaming=target.streaming,
        road="fast",
        parameters=target.parameters,
        digest=target.digest,
        price=target.price,
    )


async def drain(events: AsyncIterator[tuple[str, str]]) -> None:
    """Read to the end of the body, so that the connection can be used again, but wait for no late server."""
    try:
        async with asyncio.timeout(_LINGER_S):
            async for _ in events:
                pass
    except (TimeoutError, *FAILURES):
        return
