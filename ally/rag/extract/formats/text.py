"""Plain text, and markup that reads well as it is: LaTeX, Org, AsciiDoc with their headings."""

import re
from collections.abc import Iterator

from ally.rag.document import Extracted, Heading
from ally.rag.extract.decoding import decode, lines_of, plain
from ally.rag.extract.kinds import suffix_of

_LATEX_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph")
_LATEX = re.compile(r"[ \t]{0,20}\\(" + "|".join(_LATEX_LEVELS) + r")\*?(?:\[[^\]]{0,200}\])?\{(.{1,300})\}")
_ORG = re.compile(r"(\*{1,8}) +(?:(?:TODO|DONE) +)?(.+?)(?: +:[\w:@]+:)?$")
_ASCIIDOC = re.compile(r"(={1,6}) +(\S.*)$")
_FORMATS = {
    ".log": "log",
    ".tex": "latex",
    ".latex": "latex",
    ".org": "org",
    ".adoc": "asciidoc",
    ".asciidoc": "asciidoc",
}
_MAX_LINE = 1_000


def extract(data: bytes, name: str) -> Extracted:
    """The text as it is."""
    text = decode(data, name)
    known = _FORMATS.get(suffix_of(name), "text")
    headings = tuple(_headings(text, known))
    title = headings[0].text if headings and headings[0].level == 1 else ""
    return Extracted(text, known, title, headings)


def _headings(text: str, known: str) -> Iterator[Heading]:
    if known not in ("latex", "org", "asciidoc"):
        return
    for start, line in lines_of(text):
        if len(line) > _MAX_LINE:
            continue
        if known == "latex":
            if found := _LATEX.match(line):
                yield Heading(start, _LATEX_LEVELS.index(found[1]) + 1, plain(found[2]))
        elif found := (_ORG if known == "org" else _ASCIIDOC).match(line):
            yield Heading(start, len(found[1]), plain(found[2]))
