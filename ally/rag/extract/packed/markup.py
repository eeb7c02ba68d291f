"""XML of unknown makers, read as a stream: no tree in memory, no entities, nothing from outside."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal
from xml.parsers import expat

from ally.errors import ExtractionError
from ally.rag.extract.limits import MAX_TEXT_CHARS
from ally.rag.extract.packed.archive import Stream

Event = Literal["start", "end", "text"]
Attributes = dict[str, str]
_READ_BYTES = 1 << 16
_MOST_EVENTS = 3_000_000
_DEEPEST = 500


def walk(stream: Stream, name: str) -> Iterator[tuple[Event, str, Attributes]]:
    """What the document in `stream`, a part of the file `name`, consists of, in order: `start` and `end` of an element
    with its tag and, at the start, its attributes; `text` with a piece of text in the place of the tag.

    Tags and attributes come without namespace: those differ between versions of a format, the names do not.

    Raises:
        ExtractionError: it is no XML, declares entities, or is made to be too much.
    """
    reading = _Reading(name)
    while piece := stream.read(_READ_BYTES):
        yield from reading.feed(piece)
    yield from reading.feed(b"", is_last=True)


class _Reading:
    def __init__(self, name: str) -> None:
        self._name = name
        self._events: list[tuple[Event, str, Attributes]] = []
        self._left = _MOST_EVENTS
        self._text_left = MAX_TEXT_CHARS * 2
        self._depth = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._entity

    def feed(self, piece: bytes, *, is_last: bool = False) -> list[tuple[Event, str, Attributes]]:
        """What a further piece of the document completes."""
        self._events = []
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as exc:
            raise ExtractionError(Path(self._name), f"is damaged: {exc}") from exc
        self._left -= len(self._events)
        if self._left < 0:
            raise ExtractionError(Path(self._name), f"is made of more than {_MOST_EVENTS:,} pieces")
        return self._events

    def _start(self, tag: str, attributes: Attributes) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExtractionError(Path(self._name), "is nested too deeply")
        self._events.append(("start", _local(tag), attributes))

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._events.append(("end", _local(tag), {}))

    def _text(self, text: str) -> None:
        self._text_left -= len(text)
        if self._text_left < 0:
            raise ExtractionError(Path(self._name), f"holds more than {MAX_TEXT_CHARS:,} characters")
        self._events.append(("text", text, {}))

    def _entity(self, name: str, *_declared: object) -> None:
        raise ExtractionError(Path(self._name), f"is not safe to read: it declares the entity {name[:40]}")


def attribute(attributes: Attributes, name: str) -> str:
    """The value of an attribute, by its name without namespace; "" if there is none."""
    found = attributes.get(name)
    if found is None:
        found = next((value for key, value in attributes.items() if _local(key) == name), "")
    return found


@lru_cache(maxsize=2_000)
def _local(tag: str) -> str:
    """`p` of `w:p`."""
    return tag.rpartition(":")[2]
