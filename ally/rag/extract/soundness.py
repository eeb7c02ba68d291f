"""What every extracted text is held to, whatever its format."""

import re
from dataclasses import replace

from ally.rag.document import Extracted, Heading, Part

_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_MAX_HEADING_CHARS = 300
_MAX_LABEL_CHARS = 100
_MAX_HEADER_CHARS = 2_000


def made_sound(document: Extracted) -> Extracted:
    """`document` with lines that end, no zeros and no halves of characters, and headings and parts in order.

    No offset changes. What a heading, label or header has too much of is cut.

    Raises:
        ValueError: the offsets or line numbers are not those of its text.
    """
    text = document.text
    if "\0" in text or not text.isascii():
        text = _UNWRITABLE.sub("\ufffd", text)
    if text and not text.endswith("\n"):
        text += "\n"
    headings = tuple(
        Heading(one.start, one.level, _line(one.text, _MAX_HEADING_CHARS)) for one in document.headings if one.text
    )
    parts = tuple(
        Part(one.start, _line(one.label, _MAX_LABEL_CHARS), _UNWRITABLE.sub("", one.header)[:_MAX_HEADER_CHARS])
        for one in document.parts
    )
    for starts in ([one.start for one in headings], [one.start for one in parts]):
        if starts != sorted(starts) or (starts and not 0 <= starts[0] <= starts[-1] <= len(text)):
            raise ValueError("places outside of the text")
    numbers = document.line_numbers
    if numbers and len(numbers) != text.count("\n"):
        raise ValueError(f"{len(numbers)} numbers for {text.count(chr(10))} lines")
    return replace(
        document,
        text=text,
        title=_line(document.title, _MAX_HEADING_CHARS),
        headings=headings,
        parts=parts,
        notes=tuple(_line(note, _MAX_HEADING_CHARS) for note in document.notes),
    )


def _line(text: str, most_chars: int) -> str:
    line = " ".join(_UNWRITABLE.sub("\ufffd", text[: most_chars * 4]).split())
    return line if len(line) <= most_chars else line[: most_chars - 1] + "…"
