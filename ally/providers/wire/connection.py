"""HTTP calls to one target: sending, reading, and what can go wrong on the way."""

import asyncio
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import httpx2

from ally.egress.failures.faults import Faults
from ally.egress.transport import open_client
from ally.errors import ProviderError
from ally.messages import JsonObject
from ally.providers.wire.body import read_parts
from ally.providers.wire.target import Target

FAILURES = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError)
"""What a call raises when the connection fails."""

_LONGEST_ERROR = 256 * 1024
_LONGEST_WHOLE = 16 * 1024 * 1024
_ERROR_BODY_S = 10.0


class Call(NamedTuple):
    """One HTTP request of a wire format."""

    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    method: str = "POST"


class Connection:
    """The client of one target, opened at the first call, for one event loop."""

    def __init__(self, target: Target, faults: Faults) -> None:
        self._target = target
        self._faults = faults
        self._client: httpx2.AsyncClient | None = None

    async def send(self, call: Call, purpose: str) -> httpx2.Response:
        """Send `call`; the answer is open and must be closed. `purpose` goes to the ledger."""
        target = self._target
        if self._client is None:
            self._client = open_client(
                "chat",
                connect_timeout_s=target.connect_timeout_s,
                idle_timeout_s=target.idle_timeout_s,
                # Compression holds small pieces back.
                headers={"Accept-Encoding": "identity"},
            )
        try:
            headers = [(name.encode("ascii"), _sendable(value)) for name, value in call.headers.items()]
        except ValueError:
            # No cause: its text would hold the key.
            raise self._faults.unsendable_key() from None
        http = self._client.build_request(
            call.method, call.url, content=call.body, headers=headers, extensions={"purpose": purpose}
        )
        return await self._client.send(http, stream=True)

    async def refusal(self, response: httpx2.Response) -> ProviderError:
        """The error of an answer that is none. A body that cannot be read must not hide the status."""
        body = b""
        try:
            async with asyncio.timeout(_ERROR_BODY_S):
                async for part in read_parts(response):
                    body += part
                    if len(body) > _LONGEST_ERROR:
                        break
        except (TimeoutError, *FAILURES):
            body = b""
        headers = {name.lower(): value for name, value in response.headers.items()}
        return self._faults.from_answer(response.status_code, headers, body)

    async def read(self, response: httpx2.Response) -> str:
        """The whole body of an answer that is one document."""
        parts: list[bytes] = []
        size = 0
        async for part in read_parts(response):
            parts.append(part)
            size += len(part)
            if size > _LONGEST_WHOLE:
                raise self._faults.bad_reply("sent an answer of more than 16 MB")
        return b"".join(parts).decode("utf-8", "replace").lstrip("\ufeff")

    @contextmanager
    def translated(self, is_answering: Callable[[], bool], is_complete: Callable[[], bool]) -> Generator[None]:
        """Turns failures inside into errors of the tree; after a complete answer they do not matter any more."""
        try:
            yield
        except ProviderError as error:
            # A refusal by the transport does not know the provider.
            own = error if error.provider else self._faults.from_transport(error, answering=False)
            raise own from error.__cause__
        except FAILURES as error:
            if not is_complete():
                raise self._faults.from_transport(error, answering=is_answering()) from error

    async def close(self) -> None:
        """Give back connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def to_json(value: JsonObject) -> bytes:
    """`value` as compact UTF-8 JSON, keys in their own order; half of a surrogate pair becomes `?`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _sendable(value: str) -> bytes:
    if not value.isprintable():
        raise ValueError("a header value holds control characters")
    return value.encode("ascii")
