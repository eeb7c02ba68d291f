"""The text of a file whose format is text."""

import re
from collections.abc import Iterator
from pathlib import Path

from ally.errors import ExtractionError
from ally.rag.extract.limits import MAX_TEXT_CHARS
from ally.storage.encoding import Encoding, detect, visible

_SPACES = re.compile(r"\s+")


def decode(data: bytes, name: str, encoding: Encoding | None = None) -> str:
    """The text of `data` with line ends \\n, one at its end; its lines are those of the file.

    Raises:
        ExtractionError: it is no text, or too much.
    """
    if len(data) > MAX_TEXT_CHARS * 4:
        raise ExtractionError(Path(name), "holds too much text")
    encoding = encoding or detect(data)
    if encoding is None:
        raise ExtractionError(Path(name), "is binary")
    text = encoding.decode(data)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = visible(text) if not text.isascii() else text
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text if text.endswith("\n") or not text else text + "\n"


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Each line of `text`, which ends with \\n, with where it starts and without its end."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield start, text[start:end]
        start = end + 1


def plain(text: str) -> str:
    """`text` in one line without double blanks."""
    return _SPACES.sub(" ", text).strip()
