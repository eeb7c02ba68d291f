"""Text documents and presentations of LibreOffice.

Source: OASIS, "Open Document Format for Office Applications", version 1.3, part 3.
"""

from dataclasses import dataclass, field
from pathlib import Path

from ally.errors import ExtractionError
from ally.rag.document import Extracted
from ally.rag.extract.packed import Archive, Composer, Node, attribute, local, title_of, walk

_TEXTS = frozenset(["p", "h"])
_LEFT_OUT = frozenset(
    ["tracked-changes", "table-of-content", "illustration-index", "annotation", "hidden-text", "forms", "scripts"]
)
"""What was deleted, is made of other text, or is not shown."""
_DEEPEST_LIST = 8
_MOST_REPEATED = 100
_MANIFEST = "META-INF/manifest.xml"


def extract(data: bytes, name: str) -> Extracted:
    """The words in their order; of a presentation, slide by slide."""
    archive = Archive.open(data, name)
    if _MANIFEST in archive and b":encryption-data" in archive.read(_MANIFEST):
        raise ExtractionError(Path(name), "is protected by a password")
    body = _Body(Composer(name, title_of(archive, "meta.xml")))
    with archive.stream("content.xml") as stream:
        for event, tag, node in walk(stream, name, _TEXTS):
            body.take(event, tag, node)
    return body.composer.document("odt" if not body.slides else "odp")


@dataclass(slots=True)
class _Table:
    row: list[str] = field(default_factory=list[str])
    cell: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Body:
    """Writes the content. A row of a table is a line; a table in a cell is part of the cell's text."""

    composer: Composer
    slides: int = 0
    lists: int = 0
    tables: list[_Table] = field(default_factory=list[_Table])
    is_body: bool = False
    is_notes: bool = False
    is_title: bool = False
    depth: int = 0
    left_out: int = 0

    def take(self, event: str, tag: str, node: Node) -> None:
        """Look at one element."""
        if tag == "body":
            self.is_body = event == "start"
        if tag in _LEFT_OUT:
            self.left_out += 1 if event == "start" else -1
        if not self.is_body or self.left_out:
            return
        if tag in _TEXTS:
            self.depth += 1 if event == "start" else -1
            if event == "end" and not self.depth:
                self._add(tag, node)
        elif not self.depth:
            self._start(tag, node) if event == "start" else self._end(tag)

    def _start(self, tag: str, node: Node) -> None:
        match tag:
            case "list":
                self.composer.set_apart() if not self.lists else None
                self.lists += 1
            case "table":
                self.tables.append(_Table())
                self.composer.set_apart()
            case "page":
                self.slides += 1
                self.composer.begin_part(f"slide {self.slides}")
            case "notes":
                self.is_notes = True
                self.composer.set_apart()
            case "frame":
                self.is_title = attribute(node, "class") == "title"
            case _:
                pass

    def _end(self, tag: str) -> None:
        match tag:
            case "list":
                self.lists = max(0, self.lists - 1)
                self.composer.set_apart() if not self.lists else None
            case "table-cell" if self.tables:
                table = self.tables[-1]
                table.row.append(" ".join(table.cell))
                table.cell = []
            case "table-row" if self.tables:
                self._end_row(self.tables[-1])
            case "table" if self.tables:
                self.tables.pop()
                self.composer.set_apart()
            case "notes":
                self.is_notes = False
            case "frame":
                self.is_title = False
            case _:
                pass

    def _end_row(self, table: _Table) -> None:
        line = " | ".join(table.row)
        has_words = any(table.row)
        table.row = []
        if not has_words:
            return
        if len(self.tables) > 1:
            self.tables[-2].cell.append(line)
        else:
            self.composer.add_line(line)

    def _add(self, tag: str, node: Node) -> None:
        notes: list[str] = []
        text = _text(node, notes)
        if self.tables:
            self.tables[-1].cell += [" ".join(one.split()) for one in (text, *notes) if one.strip()]
            return
        if tag == "h" or (self.is_title and self.slides and not self.is_notes):
            level = attribute(node, "outline-level")
            self.composer.add_heading(text, int(level) if level.isdigit() and 0 < int(level) < 100 else 1)
        elif self.lists:
            self.composer.add_line(text, f"{'  ' * min(self.lists - 1, _DEEPEST_LIST)}- ")
        elif self.slides:
            self.composer.add_line(text, "Note: " if self.is_notes else "")
        else:
            self.composer.add_paragraph(text)
        for note in notes:
            self.composer.add_paragraph(note, "Note: ")


def _text(node: Node, notes: list[str]) -> str:
    """The words of a paragraph; its footnotes are put into `notes`."""
    pieces: list[str] = []
    _gather(node, pieces, notes)
    return "".join(pieces)


def _gather(node: Node, pieces: list[str], notes: list[str]) -> None:
    pieces.append(node.text or "")
    for child in node:
        tag = local(child.tag) if isinstance(child.tag, str) else ""
        match tag:
            case "s":
                count = attribute(child, "c")
                pieces.append(" " * (min(int(count), _MOST_REPEATED) if count.isdigit() else 1))
            case "tab":
                pieces.append(" ")
            case "line-break":
                pieces.append("\n")
            case "note":
                body = next((one for one in child if isinstance(one.tag, str) and local(one.tag) == "note-body"), None)
                if body is not None:
                    notes.append(" ".join(_text(body, []).split()))
            case "annotation" | "annotation-end" | "hidden-text" | "ruby-text" | "":
                pass
            case "p" | "h":
                pieces.append("\n")
                _gather(child, pieces, notes)
                pieces.append("\n")
            case _:
                _gather(child, pieces, notes)
        pieces.append(child.tail or "")
