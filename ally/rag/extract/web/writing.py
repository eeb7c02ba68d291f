"""Text as it is put together, line by line, with the line of the source for each."""

from dataclasses import dataclass, field

from ally.rag.document import Heading

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))


@dataclass(slots=True)
class Writer:
    """`lines`, and for each the line of the source in `numbers`. What is written goes into the open line, which begins
    with `prefix`; while `is_joined`, a line end of the source is a blank."""

    lines: list[str] = field(default_factory=list[str])
    numbers: list[int] = field(default_factory=list[int])
    headings: list[Heading] = field(default_factory=list[Heading])
    is_joined: bool = False
    prefix: str = ""
    _open: list[str] = field(default_factory=list[str])
    _number: int = 0
    _offset: int = 0
    _is_apart: bool = False

    def write(self, text: str, number: int) -> None:
        """Text that flows; `number` is the line of the source in which it begins."""
        if "\n" not in text or self.is_joined:
            self._flow(text, number)
            return
        first, *others = text.split("\n")
        self._flow(first, number)
        for count, line in enumerate(others, 1):
            if line and not line.isspace():
                self.end_line()
            elif self._open and not self._open[-1].endswith(" "):
                self._open.append(" ")
            self._flow(line, number + count)

    def write_verbatim(self, text: str, number: int) -> None:
        """Text whose blanks and line ends count."""
        first, *others = text.split("\n")
        self._put(first, number)
        for count, line in enumerate(others, 1):
            self.end_line(is_kept=True)
            self._put(line, number + count)

    def end_line(self, *, is_kept: bool = False) -> None:
        """What follows begins a line; an empty one counts only if it `is_kept`."""
        line = "".join(self._open).rstrip()
        self._open.clear()
        if not line.strip() and not is_kept:
            return
        self._add(line, self._number or (self.numbers[-1] if self.numbers else 1))
        self._number = 0

    def end_paragraph(self) -> None:
        """What follows stands apart."""
        self.end_line()
        self._is_apart = bool(self.lines)

    def take_line(self) -> str:
        """The open line, which is then not written."""
        line = " ".join("".join(self._open).split())
        self._open.clear()
        return line

    def add_line(self, line: str, number: int) -> None:
        """A line of its own."""
        self.end_line()
        self._add(line, number)

    def add_heading(self, level: int, text: str, number: int, name: str = "") -> None:
        """A heading on a line of its own, apart from what is around it; `name` is a shorter one to call it by."""
        self.end_paragraph()
        if text:
            self._separate(number)
            self.headings.append(Heading(self._offset, level, name or text))
            self._add(text, number)
            self._is_apart = True

    @property
    def text(self) -> str:
        """All of it; the open line is not in it."""
        return "".join(f"{line}\n" for line in self.lines)

    def _flow(self, text: str, number: int) -> None:
        words = text.translate(_INVISIBLE).split() if not text.isascii() else text.split()
        if not words:
            if text and self._open and not self._open[-1].endswith(" "):
                self._open.append(" ")
            return
        flowing = " ".join(words)
        if text[0].isspace() and self._open and not self._open[-1].endswith(" "):
            flowing = " " + flowing
        self._put(flowing + " " if text[-1].isspace() else flowing, number)

    def _put(self, text: str, number: int) -> None:
        if not self._open:
            self._number = number
            if self.prefix:
                self._open.append(self.prefix)
                self.prefix = ""
        self._open.append(text)

    def _separate(self, number: int) -> None:
        if self._is_apart:
            self._is_apart = False
            self._add("", number)

    def _add(self, line: str, number: int) -> None:
        self._separate(number)
        self.lines.append(line)
        self.numbers.append(number)
        self._offset += len(line) + 1
