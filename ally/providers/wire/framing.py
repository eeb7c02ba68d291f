"""The bytes of an answer as events: server-sent events, or one JSON document a line."""

import codecs
import json
from collections.abc import AsyncGenerator

import httpx2

MAX_EVENT_BYTES = 64 * 1024 * 1024


async def read_sse(response: httpx2.Response) -> AsyncGenerator[tuple[str, str]]:
    """(name, data) of every complete server-sent event; one that the end of the body cuts is left out."""
    # A response around the bytes: they are UTF-8 whatever the header says, and a byte order mark is no part of them.
    body = httpx2.Response(
        200,
        headers={"content-type": "text/event-stream; charset=utf-8"},
        content=_without_mark(response),
        request=response.request,
    )
    async for event in httpx2.EventSource(body, max_event_size=MAX_EVENT_BYTES):
        if event.data or event.event != "message":
            yield event.event, event.data


async def read_lines(response: httpx2.Response) -> AsyncGenerator[tuple[str, str]]:
    """("", line) of every line that is not blank; a last one without a line end counts if it is whole JSON."""
    pending: list[bytes] = []
    size = 0
    async for part in _without_mark(response):
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


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


async def _without_mark(response: httpx2.Response) -> AsyncGenerator[bytes]:
    """The body without a byte order mark at its start, also one that comes in pieces."""
    held: bytes | None = b""
    async for part in response.aiter_bytes():
        if held is None:
            yield part
            continue
        held += part
        if len(held) < len(codecs.BOM_UTF8) and codecs.BOM_UTF8.startswith(held):
            continue
        held, start = None, held.removeprefix(codecs.BOM_UTF8)
        if start:
            yield start
    if held:
        yield held
