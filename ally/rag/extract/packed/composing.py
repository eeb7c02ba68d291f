"""A document's text as it is put together, with its headings and parts."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from ally.errors import ExtractionError
from ally.rag.document import Extracted, Heading, Part
from ally.rag.extract.limits import MAX_TEXT_CHARS

_BLANKS = re.compile(r"[^\S\n]+")
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_MOST_NOTES = 20


@dataclass(slots=True)
class Composer:
    """The text of the file `name`."""

    name: str
    title: str = ""
    headings: list[Heading] = field(default_factory=list[Heading])
    parts: list[Part] = field(default_factory=list[Part])
    numbers: list[int] = field(default_factory=list[int])
    notes: list[str] = field(default_factory=list[str])
    length: int = 0
    _pieces: list[str] = field(default_factory=list[str])
    _is_apart: bool = False

    def add_line(self, text: str, prefix: str = "", number: int = 0) -> None:
        """A line of its own, or several; nothing if there are no words in `text`."""
        for line in clean(text).split("\n"):
            if stripped := line.strip():
                self._separate()
                self._put(f"{prefix}{stripped}\n", number)

    def add_paragraph(self, text: str, prefix: str = "") -> None:
        """Lines with a blank one before and after."""
        self.set_apart()
        self.add_line(text, prefix)
        self.set_apart()

    def add_heading(self, text: str, level: int) -> None:
        """A heading on a line of its own."""
        if words := " ".join(clean(text).split()):
            self.set_apart()
            self._separate()
            self.headings.append(Heading(self.length, level, words))
            self._put(f"{words}\n", 0)
            self.set_apart()

    def mark_heading(self, text: str, level: int) -> None:
        """The line that follows is a heading, called `text`."""
        if words := " ".join(clean(text).split()):
            self.set_apart()
            self._separate()
            self.headings.append(Heading(self.length, level, words))

    def begin_part(self, label: str, header: str = "") -> None:
        """What follows is another part."""
        self.set_apart()
        self._separate()
        if self.parts and self.parts[-1].start == self.length:
            self.parts.pop()  # it was empty
        self.parts.append(Part(self.length, label, header))

    def add_document(self, document: Extracted) -> None:
        """All of another text with its headings."""
        self.set_apart()
        self._separate()
        self.headings += [Heading(self.length + one.start, one.level, one.text) for one in document.headings]
        self._put(document.text if document.text.endswith("\n") else f"{document.text}\n", 0)
        self.set_apart()

    def set_apart(self) -> None:
        """What follows has a blank line before it."""
        self._is_apart = bool(self._pieces) and self._pieces[-1] != "\n"

    def note(self, text: str) -> None:
        """Say what is not in the text."""
        if text not in self.notes and len(self.notes) < _MOST_NOTES:
            self.notes.append(text)

    def document(self, format_name: str, *, has_numbers: bool = False) -> Extracted:
        """All of it."""
        highest = [one.text for one in self.headings if one.level == 1][:2]
        title = self.title or (highest[0] if len(highest) == 1 else "")
        numbers = tuple(self.numbers) if has_numbers else ()
        return Extracted(
            "".join(self._pieces), format_name, title, tuple(self.headings), self._filled(), numbers, tuple(self.notes)
        )

    def _filled(self) -> tuple[Part, ...]:
        """The parts that have text."""
        return tuple(part for part in self.parts if part.start < self.length)

    def _separate(self) -> None:
        if self._is_apart:
            self._is_apart = False
            self._put("\n", self.numbers[-1] if self.numbers else 0)

    def _put(self, text: str, number: int) -> None:
        self._pieces.append(text)
        self.length += len(text)
        self.numbers += [number] * text.count("\n")
        if self.length > MAX_TEXT_CHARS:
            raise ExtractionError(Path(self.name), f"holds more than {MAX_TEXT_CHARS:,} characters")


def clean(text: str) -> str:
    """`text` without double blanks, line ends as \\n, and without signs that cannot be seen."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = text.translate(_UNSEEN)
    return _BLANKS.sub(" ", text)
