"""The bytes of an answer, up to a limit."""

from collections.abc import AsyncGenerator

import httpx2

MAX_BODY_BYTES = 256 * 1024 * 1024
"""More than any model writes in one answer; a server that goes on for ever is cut off here."""


async def read_parts(response: httpx2.Response) -> AsyncGenerator[bytes]:
    """The body, unpacked, in pieces; the client unpacks at most a megabyte at a time.

    Raises:
        DecodingError: the body is damaged or endless.
    """
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise httpx2.DecodingError("the body does not end")
        yield part
