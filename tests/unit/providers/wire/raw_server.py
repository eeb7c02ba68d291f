"""A loopback server under the control of a test, one coroutine a request."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Peer:
    """One connection: what was asked, and the way to answer."""

    request: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def wait_until_left(self) -> None:
        """Returns when the client has closed the connection."""
        await self.reader.read()


@dataclass
class RawServer:
    """Where the server is and what came in."""

    url: str
    peers: list[Peer] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)


Answer = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def serve(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """A server that answers every request with `answer` and keeps connections open."""
    server = RawServer("")
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        try:
            while True:
                peer = Peer(await read_request(reader), reader, writer)
                server.peers.append(peer)
                server.asked.set()
                await answer(peer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            server.left.set()
            writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server.url = f"{'https' if tls else 'http'}://localhost:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    return head + await reader.readexactly(size)


def fixed(body: bytes, *, status: str = "200 OK", kind: str = "application/json", extra: str = "") -> Answer:
    """An answer of known length."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode()

    async def answer(peer: Peer) -> None:
        await peer.send(head + body)

    return answer


def streamed(*pieces: bytes) -> Answer:
    """An answer of chunks that ends properly."""

    async def answer(peer: Peer) -> None:
        await peer.send(HEAD)
        for piece in pieces:
            await peer.chunk(piece)
        await peer.send(b"0\r\n\r\n")

    return answer
