"""What a file becomes: its text with the places in it, and the passages that are found and cited."""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

SPREADSHEET = "spreadsheet"
"""The format whose line numbers are those of rows, told in the label of a place: `sheet Budget, rows 2-9`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, as a user finds it.

    Lines are 1-based, inclusive, and those of the file itself; 0 where the format has none. `label` is what there is in
    place of them, or besides: `page 3`, `slide 2`, `sheet Budget, rows 2-9`, `cell 5`.
    """

    line_start: int = 0
    line_end: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at character `start` of the text; `level` 1 is the highest."""

    start: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """From character `start` up to the next part the source says `label`: a page, slide, sheet, chapter, cell.

    `header` is what has to be read with every piece of the part: the names of a table's columns.
    """

    start: int
    label: str
    header: str = ""


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of one file. Offsets count characters of `text`, whose lines end with \\n.

    `format` is the name of the format (`markdown`, `html`, `pdf`, `csv`), for source code the name of the language
    after a colon: `code:python`. `line_numbers` has the file's line for each line of `text`; None means that these are
    the file's own lines, () that the format has none. `notes` say what of the file is not in `text`.
    """

    text: str
    format: str
    title: str = ""
    headings: tuple[Heading, ...] = ()
    parts: tuple[Part, ...] = ()
    line_numbers: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, small enough for the embedder: characters `start` up to `end` of its text.

    `headings` is the way to it from the document's title downwards.
    """

    text: str
    start: int
    end: int
    place: Place
    headings: tuple[str, ...] = ()

    @property
    def context(self) -> str:
        """The path of headings in one line."""
        return " > ".join(self.headings)

    @property
    def searched(self) -> str:
        """What is embedded: the path of headings and the text."""
        return f"{self.context}\n{self.text}" if self.headings else self.text


@dataclass(slots=True)
class Places:
    """Finds the place of a stretch of one document's text."""

    document: Extracted
    _line_starts: list[int] = field(init=False)
    _part_starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        lengths = (len(line) + 1 for line in self.document.text.split("\n"))
        self._line_starts = [0, *accumulate(lengths)][:-1]
        self._part_starts = [part.start for part in self.document.parts]

    def of(self, start: int, end: int) -> Place:
        """The place of the characters `start` up to `end`, which are at least one."""
        first, last = self._line(start), self._line(max(start, end - 1))
        numbers = self.document.line_numbers
        label = self._label(start, end)
        if numbers is None:
            return Place(first + 1, last + 1, label)
        if not numbers:
            return Place(label=label)
        covered = numbers[first : last + 1]
        start, stop = min(covered), max(covered)
        if self.document.format == SPREADSHEET:
            return Place(label=f"{label}, row {start}" if start == stop else f"{label}, rows {start}-{stop}")
        return Place(start, stop, label)

    def _line(self, offset: int) -> int:
        return bisect_right(self._line_starts, offset) - 1

    def _label(self, start: int, end: int) -> str:
        parts = self.document.parts
        first = bisect_right(self._part_starts, start) - 1
        last = bisect_right(self._part_starts, max(start, end - 1)) - 1
        if last < 0:
            return ""
        first = max(first, 0)
        return parts[first].label if first == last else f"{parts[first].label} to {parts[last].label}"
