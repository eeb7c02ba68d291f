"""Books: a part for each chapter, in the order of reading.

Source: W3C, "EPUB 3.3"; IDPF, "Open Packaging Format 2.0.1".
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from ally.errors import ExtractionError
from ally.rag.document import Extracted
from ally.rag.extract.decoding import decode
from ally.rag.extract.packed import Archive, Composer, attribute, resolve, walk
from ally.rag.extract.web import read_page

_MOST_CHAPTERS = 5_000
_CONTAINER = "META-INF/container.xml"
_PROTECTION = "META-INF/encryption.xml"
_FONTS = re.compile(rb"idpf\.org/2008/embedding|ns\.adobe\.com/pdf/enc#RC")
_METHOD = re.compile(rb"EncryptionMethod[^>]*Algorithm=")


def extract(data: bytes, name: str) -> Extracted:
    """Chapter by chapter, as their pages would be read."""
    archive = Archive.open(data, name)
    if _PROTECTION in archive:
        protection = archive.read(_PROTECTION)
        if len(_METHOD.findall(protection)) > len(_FONTS.findall(protection)):
            raise ExtractionError(Path(name), "is protected against copying")
    book = _read_book(archive)
    composer = Composer(name, book.title)
    damaged = 0
    for number, member in enumerate(book.chapters[:_MOST_CHAPTERS], 1):
        try:
            page = read_page(decode(archive.read(member), member).replace("\0", ""))
        except ValueError:
            damaged += 1
            continue
        if page.text.strip():
            composer.begin_part(_label(page, number))
            composer.add_document(page)
    if damaged:
        composer.note(f"{damaged} chapters are damaged and were not read")
    if len(book.chapters) > _MOST_CHAPTERS:
        composer.note(f"only the first {_MOST_CHAPTERS:,} chapters were read")
    return composer.document("epub")


@dataclass(slots=True)
class _Book:
    title: str = ""
    pages: dict[str, str] = field(default_factory=dict[str, str])
    spine: dict[str, None] = field(default_factory=dict[str, None])

    @property
    def chapters(self) -> list[str]:
        """The members of the archive in the order of reading, each once."""
        return list(dict.fromkeys(self.pages[one] for one in self.spine if one in self.pages))


def _read_book(archive: Archive) -> _Book:
    package = _package(archive)
    book, is_title = _Book(), False
    with archive.stream(package) as stream:
        for event, tag, attributes in walk(stream, archive.name):
            if event == "text":
                book.title += tag if is_title else ""
            elif tag == "title":
                is_title = event == "start" and not book.title
            elif event == "start" and tag == "item":
                member = resolve(package, attribute(attributes, "href"))
                if member in archive and "html" in attribute(attributes, "media-type"):
                    book.pages[attribute(attributes, "id")] = member
            elif event == "start" and tag == "itemref":
                book.spine[attribute(attributes, "idref")] = None
    book.title = " ".join(book.title[:1_000].split())
    return book


def _package(archive: Archive) -> str:
    """The part that lists the others."""
    with archive.stream(_CONTAINER) as stream:
        for event, tag, attributes in walk(stream, archive.name):
            if event == "start" and tag == "rootfile" and (path := attribute(attributes, "full-path")) in archive:
                return path
    raise ExtractionError(Path(archive.name), "is damaged: it has no list of chapters")


def _label(page: Extracted, number: int) -> str:
    """By its title, as readers know it, where that is short."""
    title = page.headings[0].text if page.headings else ""
    return f"chapter {title}" if 0 < len(title) <= 60 else f"chapter {number}"
