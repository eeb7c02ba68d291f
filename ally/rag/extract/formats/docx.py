"""Text documents of Office: paragraphs, headings by their style, lists, tables, footnotes.

Source: ECMA-376, part 1, "WordprocessingML".
"""

import re
from dataclasses import dataclass, field

from ally.rag.document import Extracted
from ally.rag.extract.packed import Archive, Attributes, Composer, attribute, find_main, relations_of, title_of, walk

_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_LEFT_OUT = frozenset(["Fallback", "del", "moveFrom", "pPrChange", "rPrChange", "sectPrChange"])
"""What stands there twice, or was struck out."""
_CONTENTS = re.compile(r"toc \d$|table of figures", re.IGNORECASE)
_FIELDS = re.compile(r"\W*(?:(?:page|seite|pagina|página)?\W*\d*\W*(?:of|von|de|/)?\W*\d*)\W*\Z", re.IGNORECASE)
_DEEPEST_LIST = 8
_SIGNS = {"tab": " ", "ptab": " ", "cr": "\n", "noBreakHyphen": "-"}


@dataclass(slots=True)
class _Style:
    name: str = ""
    parent: str = ""
    level: int = 0
    is_list: bool = False


def extract(data: bytes, name: str) -> Extracted:
    """The words of the document in their order; what stands on top and at the foot of every page only once."""
    archive = Archive.open(data, name)
    main = find_main(archive, "word/document.xml")
    relations = list(relations_of(archive, main).values())
    members: dict[str, list[str]] = {}
    for relation in relations:
        if relation.member in archive and relation.member not in members.setdefault(relation.kind, []):
            members[relation.kind].append(relation.member)
    styles = _Styles()
    for member in members.get("styles", [])[:1]:
        styles.read(archive, member)
    composer = Composer(name, title_of(archive, "docProps/core.xml"))
    notes: dict[str, str] = {}
    for kind in ("footnotes", "endnotes"):
        for member in members.get(kind, [])[:1]:
            notes.update(_read_notes(archive, member, kind.removesuffix("s")))
    _add_frames(composer, archive, members.get("header", []))
    _Body(composer, styles, notes).read(archive, main)
    _add_frames(composer, archive, members.get("footer", []))
    if members.get("comments"):
        composer.note("comments were not read")
    return composer.document("docx")


@dataclass(slots=True)
class _Styles:
    """The styles of paragraphs by their identifiers."""

    known: dict[str, _Style] = field(default_factory=dict[str, _Style])

    def read(self, archive: Archive, member: str) -> None:
        """Take in a part with styles."""
        style = _Style()
        with archive.stream(member) as stream:
            for event, tag, attributes in walk(stream, archive.name):
                if event != "start":
                    continue
                if tag == "style":
                    style = self.known[attribute(attributes, "styleId")] = _Style()
                elif tag == "name":
                    style.name = attribute(attributes, "val")
                elif tag == "basedOn":
                    style.parent = attribute(attributes, "val")
                elif tag == "outlineLvl":
                    style.level = _level(attribute(attributes, "val"))
                elif tag == "numId":
                    style.is_list = attribute(attributes, "val") != "0"

    def level(self, identifier: str) -> int:
        """The level of headings of a style, by itself or by those it is based on; 0 for others."""
        for _ in range(10):
            style = self.known.get(identifier)
            if style is None:
                found = re.fullmatch(r"[Hh]eading(\d)", identifier)
                return int(found[1]) if found else 0
            if found := _HEADING.match(style.name):
                return int(found[1])
            if style.level:
                return style.level
            identifier = style.parent
        return 0

    def is_list(self, identifier: str) -> bool:
        """Whether paragraphs of a style are items of a list."""
        for _ in range(10):
            style = self.known.get(identifier)
            if style is None or style.is_list:
                return style is not None
            identifier = style.parent
        return False

    def name(self, identifier: str) -> str:
        """What a style is called."""
        style = self.known.get(identifier)
        return style.name if style else identifier


def _level(text: str) -> int:
    """Level 1 is 0 in the file, and 9 is none."""
    return int(text) + 1 if text.isdigit() and int(text) < 9 else 0


@dataclass(slots=True)
class _Paragraph:
    words: list[str] = field(default_factory=list[str])
    style: str = ""
    level: int = 0
    list_level: int = -1
    notes: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        return "".join(self.words).strip()


@dataclass(slots=True)
class _Words:
    """Gathers the paragraphs of a part; those in text boxes come before the one that the box is in."""

    open: list[_Paragraph] = field(default_factory=list[_Paragraph])
    hidden: int = 0
    _left_out: int = 0
    _is_text: bool = False
    _is_run: bool = False
    _is_hidden: bool = False

    def take(self, event: str, tag: str, attributes: Attributes) -> _Paragraph | None:
        """The paragraph that is whole with this piece of the document."""
        if event == "text":
            if self._is_text and self.open and not self._left_out:
                self._add(self.open[-1], tag)
            return None
        if tag == "t":
            self._is_text = event == "start"
        elif tag in _LEFT_OUT:
            self._left_out += 1 if event == "start" else -1
        if self._left_out:
            return None
        if tag == "p":
            if event == "end":
                return self.open.pop() if self.open else None
            self.open.append(_Paragraph())
            self._is_run = self._is_hidden = False
        elif self.open and event == "start":
            self._in_paragraph(tag, attributes, self.open[-1])
        return None

    def _in_paragraph(self, tag: str, attributes: Attributes, paragraph: _Paragraph) -> None:
        match tag:
            case "r":
                self._is_run, self._is_hidden = True, False
            case "pStyle":
                paragraph.style = attribute(attributes, "val")
            case "outlineLvl":
                paragraph.level = _level(attribute(attributes, "val"))
            case "ilvl":
                value = attribute(attributes, "val")
                paragraph.list_level = min(int(value), _DEEPEST_LIST) if value.isdigit() else 0
            case "numId":
                paragraph.list_level = -1 if attribute(attributes, "val") == "0" else max(0, paragraph.list_level)
            case "vanish" if self._is_run:  # else it is about the mark of the paragraph
                self._is_hidden = attribute(attributes, "val") not in ("0", "false", "off")
            case "br":
                paragraph.words.append(" " if attribute(attributes, "type") else "\n")
            case "footnoteReference" | "endnoteReference":
                paragraph.notes.append(tag.removesuffix("Reference") + attribute(attributes, "id"))
            case _:
                paragraph.words.append(_SIGNS.get(tag, ""))

    def _add(self, paragraph: _Paragraph, text: str) -> None:
        if self._is_hidden and text.strip():
            self.hidden += 1
        elif not self._is_hidden:
            paragraph.words.append(text)


@dataclass(slots=True)
class _Table:
    rows: list[str] = field(default_factory=list[str])
    row: list[str] = field(default_factory=list[str])
    cell: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Body:
    """Writes the main part. A row of a table is a line; a table in a cell is part of the cell's text."""

    composer: Composer
    styles: _Styles
    notes: dict[str, str]
    tables: list[_Table] = field(default_factory=list[_Table])
    was_list: bool = False

    def read(self, archive: Archive, member: str) -> None:
        """Add what a part says."""
        words = _Words()
        with archive.stream(member) as stream:
            for event, tag, attributes in walk(stream, archive.name):
                if (paragraph := words.take(event, tag, attributes)) is not None:
                    self._add(paragraph)
                elif tag in ("tbl", "tr", "tc") and event != "text":
                    self._take_table(event, tag)
        if words.hidden:
            self.composer.note(f"hidden text was left out ({words.hidden} places)")

    def _take_table(self, event: str, tag: str) -> None:
        if event == "start":
            if tag == "tbl":
                self.tables.append(_Table())
            return
        if not self.tables:
            return
        table = self.tables[-1]
        if tag == "tc":
            table.row.append(" ".join(table.cell))
            table.cell = []
        elif tag == "tr":
            if any(table.row):
                table.rows.append(" | ".join(table.row))
            table.row = []
        else:
            self.tables.pop()
            if self.tables:
                self.tables[-1].cell += table.rows
                return
            self.composer.set_apart()
            for row in table.rows:
                self.composer.add_line(row)
            self.composer.set_apart()

    def _add(self, paragraph: _Paragraph) -> None:
        if not paragraph.words and not paragraph.notes:
            return
        style = self.styles.name(paragraph.style)
        notes = [self.notes[one] for one in paragraph.notes if self.notes.get(one)]
        if _CONTENTS.match(style):
            return
        if self.tables:
            self.tables[-1].cell += [" ".join(text.split()) for text in (paragraph.text, *notes) if text]
            return
        level = paragraph.level or self.styles.level(paragraph.style)
        is_list = not level and (paragraph.list_level >= 0 or self.styles.is_list(paragraph.style))
        if level:
            self.composer.add_heading(paragraph.text, level)
        elif is_list:
            self.composer.add_line(paragraph.text, f"{'  ' * max(0, paragraph.list_level)}- ")
        else:
            if style.lower() == "title" and not self.composer.title:
                self.composer.title = " ".join(paragraph.text.split())
            self.composer.add_paragraph(paragraph.text)
        for note in notes:
            self.composer.add_paragraph(note, "Note: ")
        if self.was_list and not is_list:
            self.composer.set_apart()
        self.was_list = is_list


def _read_notes(archive: Archive, member: str, kind: str) -> dict[str, str]:
    """The texts of footnotes by `footnote` and their identifiers."""
    found: dict[str, str] = {}
    words, lines, identifier = _Words(), list[str](), ""
    with archive.stream(member) as stream:
        for event, tag, attributes in walk(stream, archive.name):
            if (paragraph := words.take(event, tag, attributes)) is not None:
                lines.append(paragraph.text)
            elif tag == kind and event == "start":
                identifier = kind + attribute(attributes, "id")
            elif tag == kind and event == "end":
                found[identifier] = " ".join(" ".join(lines).split())
                lines = []
    return found


def _add_frames(composer: Composer, archive: Archive, members: list[str]) -> None:
    """What stands on top or at the foot of the pages, each text once, but numbers of pages."""
    seen: set[str] = set()
    for member in members[:20]:
        words = _Words()
        with archive.stream(member) as stream:
            for event, tag, attributes in walk(stream, archive.name):
                paragraph = words.take(event, tag, attributes)
                if paragraph is not None and paragraph.text not in seen and not _FIELDS.fullmatch(paragraph.text):
                    seen.add(paragraph.text)
                    composer.add_line(paragraph.text)
    composer.set_apart()
