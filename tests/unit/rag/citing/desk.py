"""Files that an answer cites, and what becomes of the answer."""

from dataclasses import dataclass
from pathlib import Path

from ally.messages import Citation, Source
from ally.rag.citing.checking import Checker, Reading
from ally.rag.citing.scanning import Scanner
from ally.rag.citing.sources import Sources
from ally.rag.document import Extracted, Place, Places
from ally.rag.search.hit import Hit

MANUAL = """\
# Reset

To **reset** the *router*, hold the red but-
ton for ten “seconds”.

See [the manual](http://example.org/manual) for more — or ask.
- Wait 1.5 seconds.
- Then release it.

# Café

The ﬁrst line of İstanbul's menu is empty.
"""
OTHER = "The blue lamp means that the line is busy.\nThe green lamp means that it is free.\n"


def hit(path: str, text: str, start: int, end: int, **fields: object) -> Hit:
    """The passage `start` up to `end` of a text file."""
    place = Places(Extracted(text, "text")).of(start, end)
    return Hit("docs", path, place, (), text[start:end], start, end, 10, **fields)


@dataclass
class Shelf:
    """Documents by path; one that is missing is gone."""

    documents: dict[str, Extracted]

    def now(self, source: Source) -> Reading | None:
        document = self.documents.get(source.path)
        return None if document is None else Reading(document)


class Desk:
    """Source 1 is the first part of the manual, 2 the lamps, 3 the second part of the manual."""

    def __init__(self) -> None:
        self.shelf = Shelf({"/d/manual.md": Extracted(MANUAL, "markdown"), "/d/lamps.txt": Extracted(OTHER, "text")})
        self.sources = Sources()
        cut = MANUAL.index("# Café")
        self.sources.take([hit("/d/manual.md", MANUAL, 0, cut - 2), hit("/d/lamps.txt", OTHER, 0, len(OTHER) - 1)])
        self.sources.take([hit("/d/manual.md", MANUAL, cut, len(MANUAL) - 1)])

    def read(self, *pieces: str) -> tuple[str, list[Citation]]:
        """What is shown of an answer that comes in these pieces, and what it cites."""
        scanner, checker = Scanner(self.sources), Checker(self.sources, self.shelf)
        shown, cited = "", list[Citation]()
        for piece in [part for text in pieces for part in scanner.feed(text)] + scanner.finish():
            if isinstance(piece, str):
                shown += piece
            else:
                checked = checker.check(piece)
                shown += checked.shown
                cited += checked.citations
        return shown, cited


def place_of(citation: Citation) -> tuple[str, Place]:
    """File name and place."""
    return Path(citation.path).name, Place(citation.line_start, citation.line_end, citation.label)
