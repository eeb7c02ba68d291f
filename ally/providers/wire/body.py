"""The bytes of an answer, unpacked no faster than they are read."""

import zlib
from collections.abc import AsyncGenerator

import httpx2

MAX_BODY_BYTES = 256 * 1024 * 1024
"""More than any model writes in one answer; a server that goes on for ever is cut off here."""

_PIECE_BYTES = 256 * 1024
_GZIP_OR_ZLIB = 47
_PACKED = ("gzip", "x-gzip", "deflate")


async def read_parts(response: httpx2.Response) -> AsyncGenerator[bytes]:
    """The body in pieces of moderate size.

    Ally asks for no compression, but some gateways compress anyway. A few bytes can unpack to gigabytes, so they are
    unpacked here and not by the client, which would hold all of it at once.

    Raises:
        DecodingError: the body is packed in another way, packed twice, damaged, or endless.
    """
    named = response.headers.get("content-encoding", "").lower().split(",")
    packing = [name for one in named if (name := one.strip()) not in ("", "identity")]
    if packing and (len(packing) > 1 or packing[0] not in _PACKED):
        raise httpx2.DecodingError("the body is packed in a way that was not asked for")
    size = 0
    async for part in _unpacked(response) if packing else response.aiter_raw():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise httpx2.DecodingError("the body does not end")
        yield part


async def _unpacked(response: httpx2.Response) -> AsyncGenerator[bytes]:
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    async for part in response.aiter_raw():
        is_more = True
        while is_more:
            try:
                piece = unpacker.decompress(part, _PIECE_BYTES)
            except zlib.error as error:
                raise httpx2.DecodingError("the body is damaged") from error
            part, is_more = unpacker.unconsumed_tail, len(piece) == _PIECE_BYTES  # noqa: PLW2901 - the rest of it
            if piece:
                yield piece
