"""What the reading process and its parent say to each other: MessagePack, each message after its length."""

import struct
from typing import IO

import msgspec

from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted, Passage

_LENGTH = struct.Struct(">I")


class Setup(msgspec.Struct, frozen=True):
    """The first message to the process. `readable` are the files and folders it may still read afterwards."""

    limits: ChunkLimits
    memory_bytes: int
    text_chars: int
    readable: list[str]


class Ready(msgspec.Struct, frozen=True):
    """Its answer: how it is confined, or why it cannot work."""

    confinement: list[str]
    problem: str = ""


class Job(msgspec.Struct, frozen=True):
    """A file to read, whose `size` bytes follow."""

    module: str
    name: str
    size: int
    cpu_s: float


class Result(msgspec.Struct, frozen=True):
    """What came of it. `is_worn` when the process ran out of memory and is better replaced."""

    document: Extracted | None = None
    passages: tuple[Passage, ...] = ()
    problem: str = ""
    is_worn: bool = False


class FrameTooLarge(Exception):
    """The other side wants to send more than it may."""


def pack(message: msgspec.Struct) -> bytes:
    """`message` with its length before it."""
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


def receive(stream: IO[bytes], most_bytes: int) -> bytes:
    """The next message from a buffered `stream`.

    Raises:
        EOFError: there is none, or it is cut.
        FrameTooLarge: it is longer than `most_bytes`.
    """
    (length,) = _LENGTH.unpack(receive_exactly(stream, _LENGTH.size))
    if length > most_bytes:
        raise FrameTooLarge(length)
    return receive_exactly(stream, length)


def receive_exactly(stream: IO[bytes], count: int) -> bytes:
    """The next `count` bytes of a buffered `stream`.

    Raises:
        EOFError: there are fewer.
    """
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
