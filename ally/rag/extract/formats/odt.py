"""Text documents and presentations of LibreOffice.

Source: OASIS, "Open Document Format for Office Applications", version 1.3, part 3.
"""

from dataclasses import dataclass, field
from pathlib import Path

from ally.errors import ExtractionError
from ally.rag.document import Extracted
from ally.rag.extract.packed import Archive, Attributes, Composer, attribute, title_of, walk

_LEFT_OUT = frozenset(
    [
        "tracked-changes",
        "table-of-content",
        "illustration-index",
        "annotation",
        "hidden-text",
        "forms",
        "scripts",
        "note-citation",
    ]
)
"""What was deleted, is made of other text, or is not shown."""
_DEEPEST_LIST = 8
_LEVELS = frozenset(map(str, range(1, 11)))
_MANIFEST = "META-INF/manifest.xml"


def extract(data: bytes, name: str) -> Extracted:
    """The words in their order; of a presentation, slide by slide."""
    archive = Archive.open(data, name)
    if _MANIFEST in archive and b":encryption-data" in archive.read(_MANIFEST):
        raise ExtractionError(Path(name), "is protected by a password")
    body = _Body(Composer(name, title_of(archive, "meta.xml")))
    with archive.stream("content.xml") as stream:
        for event, tag, attributes in walk(stream, name):
            body.take(event, tag, attributes)
    return body.composer.document("odt" if not body.slides else "odp")


@dataclass(slots=True)
class _Table:
    row: list[str] = field(default_factory=list[str])
    cell: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Text:
    """A paragraph, or a heading of that level, with its footnotes."""

    level: int = 0
    words: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Body:
    """Writes the content. A row of a table is a line; a table in a cell is part of the cell's text."""

    composer: Composer
    slides: int = 0
    _open: list[_Text] = field(default_factory=list[_Text])
    _tables: list[_Table] = field(default_factory=list[_Table])
    _lists: int = 0
    _left_out: int = 0
    _is_body: bool = False
    _is_speakers: bool = False
    _is_title: bool = False

    def take(self, event: str, tag: str, attributes: Attributes) -> None:
        """Look at one piece of the document."""
        if event == "text":
            if self._open and not self._left_out and self._is_body:
                self._open[-1].words.append(tag)
            return
        if tag == "body":
            self._is_body = event == "start"
        if tag in _LEFT_OUT:
            self._left_out += 1 if event == "start" else -1
        if not self._is_body or self._left_out:
            return
        if event == "start":
            self._start(tag, attributes)
        else:
            self._end(tag)

    def _start(self, tag: str, attributes: Attributes) -> None:
        match tag:
            case "p" | "h":
                level = attribute(attributes, "outline-level") if tag == "h" else ""
                self._open.append(_Text((int(level) if level in _LEVELS else 1) if tag == "h" else 0))
            case "s" if self._open:
                count = attribute(attributes, "c")
                self._open[-1].words.append(" " if not count.isdigit() or int(count[:9]) else "")
            case "tab" | "line-break" if self._open:
                self._open[-1].words.append("\n" if tag == "line-break" else " ")
            case "list":
                self._set_apart(is_due=not self._lists)
                self._lists += 1
            case "table":
                self._set_apart(is_due=not self._tables)
                self._tables.append(_Table())
            case "page":
                self.slides += 1
                self.composer.begin_part(f"slide {self.slides}")
            case "notes":
                self._is_speakers = True
                self.composer.set_apart()
            case "frame":
                self._is_title = attribute(attributes, "class") == "title"
            case _:
                pass

    def _end(self, tag: str) -> None:
        match tag:
            case "p" | "h" if self._open:
                self._add(self._open.pop())
            case "list":
                self._lists = max(0, self._lists - 1)
                self._set_apart(is_due=not self._lists)
            case "table-cell" if self._tables:
                table = self._tables[-1]
                table.row.append(" ".join(table.cell))
                table.cell = []
            case "table-row" if self._tables:
                self._end_row(self._tables[-1])
            case "table" if self._tables:
                self._tables.pop()
                self._set_apart(is_due=not self._tables)
            case "notes":
                self._is_speakers = False
            case "frame":
                self._is_title = False
            case _:
                pass

    def _set_apart(self, *, is_due: bool) -> None:
        if is_due:
            self.composer.set_apart()

    def _end_row(self, table: _Table) -> None:
        line = " | ".join(table.row)
        has_words = any(table.row)
        table.row = []
        if not has_words:
            return
        if len(self._tables) > 1:
            self._tables[-2].cell.append(line)
        else:
            self.composer.add_line(line)

    def _add(self, text: _Text) -> None:
        words = "".join(text.words)
        if self._open:  # a footnote, or a text box, in another paragraph
            self._open[-1].notes += [" ".join(words.split()), *text.notes]
            return
        if self._tables:
            self._tables[-1].cell += [" ".join(one.split()) for one in (words, *text.notes) if one.strip()]
            return
        if text.level or (self._is_title and self.slides and not self._is_speakers):
            self.composer.add_heading(words, text.level or 1)
        elif self._lists:
            self.composer.add_line(words, f"{'  ' * min(self._lists - 1, _DEEPEST_LIST)}- ")
        elif self.slides:
            self.composer.add_line(words, "Note: " if self._is_speakers else "")
        else:
            self.composer.add_paragraph(words)
        for note in text.notes:
            self.composer.add_paragraph(note, "Note: ")
