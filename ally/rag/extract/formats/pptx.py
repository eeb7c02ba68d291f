"""Presentations of Office: a part for each slide, its title as heading, and what the speaker noted.

Source: ECMA-376, part 1, "PresentationML".
"""

from dataclasses import dataclass, field

from ally.rag.document import Extracted
from ally.rag.extract.packed import Archive, Attributes, Composer, attribute, find_main, relations_of, title_of, walk
from ally.rag.extract.packed.charts import words_of_chart

_MOST_SLIDES = 5_000
_TITLES = frozenset(["title", "ctrTitle"])
_FRAME = frozenset(["sldNum", "dt", "ftr", "hdr", "sldImg"])
"""Placeholders for what stands on every slide."""


def extract(data: bytes, name: str) -> Extracted:
    """Slide by slide, in the order of the presentation."""
    archive = Archive.open(data, name)
    main = find_main(archive, "ppt/presentation.xml")
    composer = Composer(name, title_of(archive, "docProps/core.xml"))
    slides = _slides(archive, main)
    for number, slide in enumerate(slides[:_MOST_SLIDES], 1):
        composer.begin_part(f"slide {number}")
        _add_slide(composer, archive, slide)
        if number == 1 and not composer.title and composer.headings:
            composer.title = composer.headings[0].text
    if len(slides) > _MOST_SLIDES:
        composer.note(f"only the first {_MOST_SLIDES:,} slides were read")
    return composer.document("pptx")


def _slides(archive: Archive, main: str) -> list[str]:
    """Each slide once; the order is that of the list in the main part."""
    relations = relations_of(archive, main)
    found: dict[str, None] = {}
    with archive.stream(main) as stream:
        for event, tag, attributes in walk(stream, archive.name):
            if event == "start" and tag == "sldId":
                # It has an `id` of its own besides that of the relation.
                names = [value for key, value in attributes.items() if key != "id"]
                relation = next((relations[name] for name in names if name in relations), None)
                if relation is not None and relation.member in archive:
                    found[relation.member] = None
    return list(found)


def _add_slide(composer: Composer, archive: Archive, member: str) -> None:
    frame = _read(archive, member)
    composer.add_heading(" ".join(frame.title), 1)
    for line in frame.lines:
        composer.add_line(line)
    relations = relations_of(archive, member).values()
    for relation in relations:
        if relation.kind == "chart" and relation.member in archive:
            composer.set_apart()
            for line in words_of_chart(archive, relation.member):
                composer.add_line(line, "Chart: ")
    for relation in relations:
        if relation.kind == "notesSlide" and relation.member in archive:
            notes = _read(archive, relation.member)
            composer.set_apart()
            for line in [*notes.title, *notes.lines]:
                composer.add_line(line, "Note: ")


@dataclass(slots=True)
class _Slide:
    """The words of a slide. A row of a table is a line."""

    title: list[str] = field(default_factory=list[str])
    lines: list[str] = field(default_factory=list[str])
    kind: str = ""
    row: list[str] | None = None
    cell: list[str] = field(default_factory=list[str])
    words: list[str] = field(default_factory=list[str])
    is_text: bool = False

    def take(self, event: str, tag: str, attributes: Attributes) -> None:
        """Look at one piece of the document."""
        if event == "text":
            if self.is_text:
                self.words.append(tag)
        elif event == "start":
            self._start(tag, attributes)
        elif tag == "t":
            self.is_text = False
        elif tag == "p":
            self._end_paragraph()
        elif tag == "tc" and self.row is not None:
            self.row.append(" ".join(self.cell))
            self.cell = []
        elif tag == "tr":
            if self.row and any(self.row):
                self.lines.append(" | ".join(self.row))
            self.row = None

    def _start(self, tag: str, attributes: Attributes) -> None:
        match tag:
            case "t":
                self.is_text = True
            case "sp" | "graphicFrame" | "cxnSp":
                self.kind = ""
            case "ph":
                self.kind = attribute(attributes, "type")
            case "p":
                self.words = []
            case "br":
                self.words.append("\n")
            case "tr":
                self.row, self.cell = [], []
            case _:
                pass

    def _end_paragraph(self) -> None:
        text = "".join(self.words).strip()
        self.words = []
        if not text or self.kind in _FRAME:
            return
        if self.row is not None:
            self.cell.append(" ".join(text.split()))
        elif self.kind in _TITLES:
            self.title.append(" ".join(text.split()))
        else:
            self.lines.append(text)


def _read(archive: Archive, member: str) -> _Slide:
    slide = _Slide()
    is_copy = 0
    with archive.stream(member) as stream:
        for event, tag, attributes in walk(stream, archive.name):
            if tag == "Fallback" and event != "text":  # the same once more, for older programs
                is_copy += 1 if event == "start" else -1
            elif not is_copy:
                slide.take(event, tag, attributes)
    return slide
