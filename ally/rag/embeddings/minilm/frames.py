"""What goes through the pipes between Ally and the process that makes vectors."""

import enum
import struct
from collections.abc import Sequence
from typing import IO, NamedTuple

_QUESTION = struct.Struct("<IH")
"""The number of a question, and how many tokens follow, each in two bytes."""

_ANSWER = struct.Struct("<IBI")
"""The number of the question, the kind of the answer, and how many bytes follow."""


class Kind(enum.IntEnum):
    """Kinds of answers: a vector as float32, why there is none, and that the network's file is not what was written."""

    VECTOR = 0
    FAILED = 1
    DAMAGED = 2


class Question(NamedTuple):
    """One text."""

    number: int
    tokens: bytes


class Answer(NamedTuple):
    """Number 0: it is about the process as a whole, which ends."""

    number: int
    kind: Kind
    content: bytes


def question(number: int, tokens: Sequence[int]) -> bytes:
    """A question to write in one piece."""
    return _QUESTION.pack(number, len(tokens)) + struct.pack(f"<{len(tokens)}H", *tokens)


def answer(number: int, kind: Kind, content: bytes) -> bytes:
    """An answer to write in one piece."""
    return _ANSWER.pack(number, kind, len(content)) + content


def read_question(stream: IO[bytes]) -> Question | None:
    """The next question, None at the end."""
    head = stream.read(_QUESTION.size)
    if len(head) < _QUESTION.size:
        return None
    number, count = _QUESTION.unpack(head)
    tokens = stream.read(2 * count)
    return Question(number, tokens) if len(tokens) == 2 * count else None


def read_answer(stream: IO[bytes]) -> Answer | None:
    """The next answer, None at the end."""
    head = stream.read(_ANSWER.size)
    if len(head) < _ANSWER.size:
        return None
    number, kind, size = _ANSWER.unpack(head)
    content = stream.read(size)
    return Answer(number, Kind(kind), content) if len(content) == size else None
