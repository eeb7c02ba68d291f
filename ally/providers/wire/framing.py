"""The bytes of an answer as events: server-sent events, or one JSON document a line."""

import codecs
import json
from collections.abc import AsyncGenerator

import httpx2

from ally.providers.wire.body import read_parts

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""An image in base64 fits. Decoded, hostile JSON takes thirty times its size."""

_HEAD_BYTES = 64
_SSE_STARTS = (b":", b"data", b"event", b"id", b"retry")


async def read_sse(response: httpx2.Response) -> AsyncGenerator[tuple[str, str]]:
    """(name, data) of every complete server-sent event; one that the end of the body cuts is left out.

    Raises:
        SSEError: the body is something else, or an event is too long.
    """
    # A response around the bytes: they are UTF-8 whatever the header says, and a byte order mark is no part of them.
    body = _Body(response)
    source = httpx2.Response(
        200,
        headers={"content-type": "text/event-stream; charset=utf-8"},
        content=body.parts(),
        request=response.request,
    )
    seen = False
    async for event in httpx2.EventSource(source, max_event_size=MAX_EVENT_BYTES):
        if event.data or event.event != "message":
            seen = True
            yield event.event, event.data
    if not seen and body.is_unlike(_SSE_STARTS):
        raise httpx2.SSEError("the body holds no events")


async def read_lines(response: httpx2.Response) -> AsyncGenerator[tuple[str, str]]:
    """("", line) of every line that is not blank; a last one without a line end counts if it is whole JSON.

    Raises:
        SSEError: the body is something else, or a line is too long.
    """
    body = _Body(response)
    pending: list[bytes] = []
    size = 0
    async for part in body.parts():
        if body.is_unlike((b"{",)):
            raise httpx2.SSEError("the body holds no lines of JSON")
        first, *rest = part.split(b"\n")
        pending.append(first)
        size += len(first)
        if size > MAX_EVENT_BYTES:
            raise httpx2.SSEError(f"a line of more than {MAX_EVENT_BYTES} bytes")
        for line in rest:
            whole = b"".join(pending).strip()
            pending, size = [line], len(line)
            if whole:
                yield "", whole.decode("utf-8", "replace")
    last = b"".join(pending).strip()
    if last and _is_json(last):
        yield "", last.decode("utf-8", "replace")


class _Body:
    """The bytes of an answer without a byte order mark at their start, also one that comes in pieces."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._head = b""

    async def parts(self) -> AsyncGenerator[bytes]:
        held: bytes | None = b""
        async for part in read_parts(self._response):
            if held is None:
                self._note(part)
                yield part
                continue
            held += part
            if len(held) < len(codecs.BOM_UTF8) and codecs.BOM_UTF8.startswith(held):
                continue
            held, start = None, held.removeprefix(codecs.BOM_UTF8)
            if start:
                self._note(start)
                yield start
        if held:
            self._note(held)
            yield held

    def is_unlike(self, starts: tuple[bytes, ...]) -> bool:
        """Whether what came so far can be no beginning of a body that begins with one of `starts`."""
        head = self._head.lstrip()
        return bool(head) and not any(head.startswith(start) or start.startswith(head) for start in starts)

    def _note(self, part: bytes) -> None:
        if len(self._head) < _HEAD_BYTES:
            self._head += part[:_HEAD_BYTES]


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
