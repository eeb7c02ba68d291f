"""The one streaming client under all wire formats."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Literal, NamedTuple, Protocol

import httpx2

from ally.egress.location import classify
from ally.egress.transport import open_client
from ally.errors import ProviderError
from ally.messages import JsonObject
from ally.providers.model import Chunk, Profile, Request
from ally.providers.wire.answer import Parser
from ally.providers.wire.faults import Faults, Hints
from ally.providers.wire.framing import read_lines, read_sse
from ally.providers.wire.target import Target

_LONGEST_ERROR = 256 * 1024
_LONGEST_WHOLE = 64 * 1024 * 1024
_ERROR_BODY_S = 10.0
_LINGER_S = 0.05
_OK = 200
_FAILURES = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError)


class Call(NamedTuple):
    """One HTTP request of a wire format."""

    url: str
    headers: Mapping[str, str]
    body: bytes


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
    """A model behind `wire`, as the `Model` port. It keeps one client, opened at the first call, for one event loop."""

    def __init__(self, target: Target, wire: Wire, *, context_window: int | None = None) -> None:
        self._target = target
        self._wire = wire
        self._faults = Faults(target, wire.hints)
        self._client: httpx2.AsyncClient | None = None
        window = context_window or target.context_window
        self._profile = Profile(
            provider=target.provider,
            model=target.model,
            location=classify(target.base_url),
            context_window=window,
            context_window_source=target.context_window_source if window else "guess",
            tools=target.quirks.tools,
            images=target.quirks.images,
            streaming=target.streaming,
            road="fast",
        )

    @property
    def profile(self) -> Profile:
        """What is known of the model."""
        return self._profile

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer."""
        parser = self._wire.read(request, self._faults)
        async with aclosing(self._receive(request, parser)) as chunks:
            async for chunk in chunks:
                yield chunk
        for chunk in parser.end():
            yield chunk

    async def close(self) -> None:
        """Give back connections; the model is not used afterwards."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _receive(self, request: Request, parser: Parser) -> AsyncGenerator[Chunk]:
        call = self._wire.write(self._target, request)
        answering = False
        try:
            response = await self._send(call, request.purpose)
            try:
                if response.status_code != _OK:
                    raise await self._refusal(response)
                answering = True
                async with aclosing(self._read(response, parser)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            finally:
                await response.aclose()
        except ProviderError as error:
            raise self._own(error) from error.__cause__
        except _FAILURES as error:
            if not (answering and parser.is_over):
                raise self._faults.from_transport(error, answering=answering) from error

    async def _send(self, call: Call, purpose: str) -> httpx2.Response:
        target = self._target
        if self._client is None:
            self._client = open_client(
                "chat", connect_timeout_s=target.connect_timeout_s, idle_timeout_s=target.idle_timeout_s
            )
        try:
            headers = [(name.encode("ascii"), _sendable(value)) for name, value in call.headers.items()]
        except ValueError:
            # No cause: its text would hold the key.
            raise self._faults.unsendable_key() from None
        http = self._client.build_request(
            "POST", call.url, content=call.body, headers=headers, extensions={"purpose": purpose}
        )
        return await self._client.send(http, stream=True)

    async def _refusal(self, response: httpx2.Response) -> ProviderError:
        """The error of an answer other than 200. A body that cannot be read must not hide the status."""
        body = b""
        try:
            async with asyncio.timeout(_ERROR_BODY_S):
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _LONGEST_ERROR:
                        break
        except (TimeoutError, *_FAILURES):
            body = b""
        headers = {name.lower(): value for name, value in response.headers.items()}
        return self._faults.from_answer(response.status_code, headers, body)

    async def _read(self, response: httpx2.Response, parser: Parser) -> AsyncGenerator[Chunk]:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if "html" in media_type:
            raise self._faults.bad_reply("answered with a web page instead of a model's answer")
        if media_type.endswith("json") and self._wire.framing == "sse":
            for chunk in parser.whole(await self._whole(response)):
                yield chunk
            return
        events = read_sse(response) if self._wire.framing == "sse" else read_lines(response)
        seen = False
        async with aclosing(events):
            async for event, data in events:
                seen = True
                for chunk in parser.feed(event, data):
                    yield chunk
                if parser.is_over:
                    await _drain(events)
                    return
        if not seen and response.num_bytes_downloaded:
            raise self._faults.bad_reply("sent something that is not a model's answer")

    async def _whole(self, response: httpx2.Response) -> str:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > _LONGEST_WHOLE:
                raise self._faults.bad_reply("sent an answer of more than 64 MB")
        return b"".join(parts).decode("utf-8", "replace").lstrip("\ufeff")

    def _own(self, error: ProviderError) -> ProviderError:
        """`error` with provider and model filled in, e.g. of a refusal by the transport."""
        return error if error.provider else self._faults.from_transport(error, answering=False)


def to_json(value: JsonObject) -> bytes:
    """`value` as compact UTF-8 JSON, keys in their own order; what no character stands for becomes `?`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


async def _drain(events: AsyncIterator[tuple[str, str]]) -> None:
    """Read to the end of the body, so that the connection can be used again, but wait for no late server."""
    try:
        async with asyncio.timeout(_LINGER_S):
            async for _ in events:
                pass
    except (TimeoutError, *_FAILURES):
        return


def _sendable(value: str) -> bytes:
    if not value.isprintable():
        raise ValueError("a header value holds control characters")
    return value.encode("ascii")
