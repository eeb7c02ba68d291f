"""PDF: a part for each page, headings from its bookmarks.

Source: ISO 32000-2; PDFium, `public/fpdf_text.h`.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from ally.errors import ExtractionError
from ally.rag.document import Extracted
from ally.rag.extract.packed import Composer
from ally.rag.extract.recognition import DPI, INSTALL, Bitmap, Recogniser, open_recogniser

Pdf = Any  # Any: pypdfium2 has no types
_MOST_PAGES = 20_000
_MOST_BOOKMARKS = 5_000
_DEEPEST_BOOKMARK = 6
_HYPHENS = re.compile("[\ufffe\u00ad\x02]\n?")
"""Where a word was divided at the end of a line."""
_LEADERS = re.compile(r"(?: ?[.\u00b7_]){5,}")
"""Dots from an entry of a table of contents to the number of its page."""
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_DIGITS = re.compile(r"\d{1,9}")
_EDGE = 2
"""Lines at the top and at the foot of a page that may stand on every page."""
_FEW_PAGES = 4
_LONGEST_EDGE = 5_000
_FRAME_SHARE = 0.3
_SHORT = 0.8
_SENTENCE_END = re.compile(r"[.!?:][\"'\u201d\u2019)\]]*\Z")
_LETTERS = re.compile(r"[\W_]+")
_MADE_UP_TITLE = re.compile(r"untitled.*|.*\.(?:docx?|odt|rtf|tex|dvi|indd|qxd|pages|pptx?|xlsx?|html?)", re.IGNORECASE)
_PASSWORD_ERROR = 4


def extract(data: bytes, name: str) -> Extracted:
    """The text of each page in the order in which the file draws it, without what stands on most of the pages."""
    pdfium: Any = import_module("pypdfium2")  # Any: as above
    try:
        pdf = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as exc:
        is_protected = getattr(exc, "err_code", None) == _PASSWORD_ERROR or "password" in str(exc).lower()
        problem = "is protected by a password" if is_protected else f"is damaged: {exc}"
        raise ExtractionError(Path(name), problem) from exc
    book = _Book(Composer(name))
    try:
        book.composer.title = _title(pdf)
        book.read(pdf, pdfium.PdfiumError)
        if not any(book.pages):
            raise ExtractionError(Path(name), book.why_empty())
        book.write(_bookmarks(pdf, pdfium.PdfiumError))
        return book.composer.document("pdf")
    finally:
        if book.recogniser is not None:
            book.recogniser.close()
        pdf.close()


@dataclass(frozen=True, slots=True)
class _Bookmark:
    level: int
    title: str


@dataclass(slots=True)
class _Book:
    """The lines of each page."""

    composer: Composer
    pages: list[list[str]] = field(default_factory=list[list[str]])
    recogniser: Recogniser | None = None
    recognised: int = 0
    pictures: int = 0
    damaged: int = 0

    def read(self, pdf: Pdf, error: type[Exception]) -> None:
        """Take in the pages."""
        count = len(pdf)
        for index in range(min(count, _MOST_PAGES)):
            try:
                lines = _lines(_text(pdf, index))
                if not lines and _is_picture(pdf, index):
                    lines = self._recognised(pdf, index)
            except error:
                lines = []
                self.damaged += 1
            self.pages.append(lines)
        if count > _MOST_PAGES:
            self.composer.note(f"only the first {_MOST_PAGES:,} of {count:,} pages were read")
        if self.recognised:
            self.composer.note(f"the words of {_pages(self.recognised)} were recognised in pictures and may be wrong")
        if self.pictures:
            verb = "holds" if self.pictures == 1 else "hold"
            self.composer.note(f"{_pages(self.pictures)} {verb} only pictures{self._why_unread()}")
        if self.damaged:
            self.composer.note(f"{self.damaged} damaged pages were not read")

    def _recognised(self, pdf: Pdf, index: int) -> list[str]:
        """The lines of a page that is a picture."""
        if self.recogniser is None and not self.pictures:
            self.recogniser = open_recogniser()
        lines: list[str] = []
        if self.recogniser is not None and self.recogniser.has_time():
            lines = _lines(self.recogniser.read(_bitmap(pdf, index)))
        self.recognised += bool(lines)
        self.pictures += not lines
        return lines

    def _why_unread(self) -> str:
        if self.recogniser is None:
            return f"; to read the words in them: {INSTALL}"
        return "" if self.recogniser.has_time() else ", and there was no time to read the words in them"

    def why_empty(self) -> str:
        """The problem of a document without text."""
        if self.pictures:
            return f"its pages are pictures without text{self._why_unread()}"
        return "is damaged: none of its pages can be read" if self.damaged else "holds no text"

    def write(self, bookmarks: dict[int, list[_Bookmark]]) -> None:
        """Put the pages together; what stands at the edge of many pages only where it comes first."""
        frame = _frame(self.pages)
        seen: set[str] = set()
        for index, lines in enumerate(self.pages):
            kept: list[str] = []
            for position, line in enumerate(lines):
                is_edge = position < _EDGE or position >= len(lines) - _EDGE
                is_number = position in (0, len(lines) - 1) and frame.intersection(_numbered(line, index))
                if is_number or (is_edge and line in seen):
                    continue
                kept.append(line)
                if is_edge and line in frame:
                    seen.add(line)
            if kept:
                self.composer.begin_part(f"page {index + 1}")
                _write_page(self.composer, kept, bookmarks.get(index, []))


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"


def _text(pdf: Pdf, index: int) -> str:
    page = pdf[index]
    try:
        words = page.get_textpage()
        try:
            return words.get_text_range()
        finally:
            words.close()
    finally:
        page.close()


def _is_picture(pdf: Pdf, index: int) -> bool:
    page = pdf[index]
    try:
        return next(iter(page.get_objects(max_depth=3)), None) is not None
    finally:
        page.close()


def _bitmap(pdf: Pdf, index: int) -> Bitmap:
    page = pdf[index]
    try:
        scale = min(DPI / 72, _LONGEST_EDGE / max(1.0, *page.get_size()))
        drawn = page.render(scale=scale, grayscale=True)
        return Bitmap(bytes(drawn.buffer), drawn.width, drawn.height, drawn.stride)
    finally:
        page.close()


def _lines(text: str) -> list[str]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", _HYPHENS.sub("", text)).translate(_LIGATURES)
    text = _LEADERS.sub(" \u2026 ", text)
    return [line for line in (" ".join(line.split()) for line in text.split("\n")) if line]


def _frame(pages: list[list[str]]) -> set[str]:
    """The lines at the edge of many pages: running titles, and what `_numbered` makes of the numbers of pages."""
    full = [(index, lines) for index, lines in enumerate(pages) if lines]
    if len(full) < _FEW_PAGES:
        return set()
    counts = Counter[str]()
    for index, lines in full:
        counts.update({*lines[:_EDGE], *lines[-_EDGE:]})
        counts.update(_numbered(lines[0], index) | _numbered(lines[-1], index))
    return {line for line, count in counts.items() if count >= max(3, _FRAME_SHARE * len(full))}


def _numbered(line: str, index: int) -> set[str]:
    """A line with its first or last number told from the page's: the same on all pages if that counts the pages."""
    numbers = list(_DIGITS.finditer(line, 0, 200))
    ends = {one.start(): one for one in (*numbers[:1], *numbers[-1:])}.values()
    return {f"{line[: one.start()]}\0{int(one.group()) - index}\0{line[one.end() :]}" for one in ends}


def _write_page(composer: Composer, lines: list[str], bookmarks: list[_Bookmark]) -> None:
    waiting = list(bookmarks)
    width = sorted(map(len, lines))[len(lines) * 4 // 5]
    for line in lines:
        found = next((one for one in waiting if _is_named(line, one.title)), None)
        if found is not None:
            waiting.remove(found)
            composer.mark_heading(found.title, found.level)
        composer.add_line(line)
        if found is not None or (len(line) < width * _SHORT and _SENTENCE_END.search(line)):
            composer.set_apart()


def _is_named(line: str, title: str) -> bool:
    """Whether a line is the heading that a bookmark leads to; it may have a number before it, or go on below."""
    line, title = _LETTERS.sub("", line.casefold()), _LETTERS.sub("", title.casefold())
    if not line or not title or len(line) > len(title) + 12:
        return False
    return line.endswith(title) or (len(line) > 12 and (title.startswith(line) or title.endswith(line)))


def _bookmarks(pdf: Pdf, error: type[Exception]) -> dict[int, list[_Bookmark]]:
    """The table of contents that viewers show, by the index of the page."""
    found: defaultdict[int, list[_Bookmark]] = defaultdict(list)
    try:
        for count, bookmark in enumerate(pdf.get_toc(max_depth=_DEEPEST_BOOKMARK)):
            if count >= _MOST_BOOKMARKS:
                break
            target = bookmark.get_dest()
            title = " ".join(_CONTROL.sub(" ", bookmark.get_title()).split())
            index = target.get_index() if target is not None else None
            if index is not None and title:
                found[index].append(_Bookmark(bookmark.level + 1, title))
    except error:
        pass  # then without those that follow
    return found


def _title(pdf: Pdf) -> str:
    title = " ".join(_CONTROL.sub("", pdf.get_metadata_value("Title")).split()).removeprefix("Microsoft Word - ")
    return "" if _MADE_UP_TITLE.fullmatch(title) else title[:300]
