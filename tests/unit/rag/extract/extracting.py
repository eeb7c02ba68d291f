"""Extracting in this process, with what every text is held to."""

from importlib import import_module
from typing import Protocol, cast

from ally.rag.document import Extracted
from ally.rag.extract.kinds import find_kind
from ally.rag.extract.soundness import made_sound


class _Format(Protocol):
    def extract(self, data: bytes, name: str) -> Extracted: ...


def extract(name: str, content: str | bytes) -> Extracted:
    """As the reading process does it."""
    data = content if isinstance(content, bytes) else content.encode()
    module = cast(_Format, import_module(f"ally.rag.extract.formats.{find_kind(name, data).module}"))
    document = made_sound(module.extract(data, name))
    check(document)
    return document


def check(document: Extracted) -> None:
    """What chunking and citing rely on."""
    text = document.text
    assert not text or text.endswith("\n")
    assert "\r" not in text
    assert "\0" not in text
    text.encode()
    for starts in ([one.start for one in document.headings], [one.start for one in document.parts]):
        assert starts == sorted(starts)
        assert all(0 <= start <= len(text) for start in starts)
    for heading in document.headings:
        assert heading.text == " ".join(heading.text.split())
        assert heading.start == 0 or text[heading.start - 1] == "\n"
    numbers = document.line_numbers
    assert numbers is None or numbers == () or len(numbers) == text.count("\n")
    assert all(number >= 1 for number in numbers or ())


def outline(document: Extracted) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    return [(one.level, one.text) for one in document.headings]


def numbered(document: Extracted) -> list[tuple[int, str]]:
    """Each line that is not empty with its line in the file."""
    lines = document.text.split("\n")[:-1]
    numbers = document.line_numbers or range(1, len(lines) + 1)
    return [(number, line) for number, line in zip(numbers, lines, strict=True) if line]
