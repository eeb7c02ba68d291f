"""Markdown as it is, with its headings.

Source: CommonMark 0.31, "ATX headings", "Setext headings", "Fenced code blocks".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ally.rag.document import Extracted, Heading
from ally.rag.extract.decoding import decode, lines_of, plain

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_CLOSING = re.compile(r"(?:^|[ \t])#+[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)$")
_NO_PARAGRAPH = re.compile(r" {0,3}(?:[>|]|[-+*][ \t]|\d{1,9}[.)][ \t]|<!--)|\t| {4}")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_ATTRIBUTES = re.compile(r"[ \t]*\{[#.:][^{}]*\}$")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_EMPHASIS = re.compile(r"\*\*|__|`+|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|\\(?=[^\w\s])")
_TITLE = re.compile(r"title:[ \t]*(.+)$", re.IGNORECASE)
_MAX_LINE = 2_000
_MAX_MATTER_LINES = 200


def extract(data: bytes, name: str) -> Extracted:
    """The text with its headings; the title is that of its front matter, else its first heading of the first level."""
    text = decode(data, name)
    body, title = _front_matter(text)
    headings = tuple(headings_of(text, body))
    if not title:
        title = next((one.text for one in headings if one.level == 1), "")
    return Extracted(text, "markdown", title, headings)


def headings_of(text: str, body: int = 0) -> Iterator[Heading]:
    """The headings of Markdown; before `body` is none."""
    yield from _Scan(body).headings(text)


@dataclass(slots=True)
class _Scan:
    """Where the lines before `body` are no Markdown; `paragraph` are the lines that an underline would make a heading,
    with the start of the first."""

    body: int
    fence: str = ""
    start: int = 0
    paragraph: list[str] = field(default_factory=list[str])

    def headings(self, text: str) -> Iterator[Heading]:
        for start, line in lines_of(text):
            if start < self.body:
                continue
            if len(line) > _MAX_LINE:
                self.paragraph.clear()
            elif self.fence or _FENCE.match(line):
                self._fenced(line)
            elif found := _ATX.match(line):
                self.paragraph.clear()
                yield Heading(start, len(found[1]), _bare(_CLOSING.sub("", found[2] or "")))
            elif self.paragraph and (found := _UNDERLINE.match(line)):
                yield Heading(self.start, 1 if found[1][0] == "=" else 2, _bare(" ".join(self.paragraph)))
                self.paragraph.clear()
            else:
                self._written(start, line)

    def _fenced(self, line: str) -> None:
        found = _FENCE.match(line)
        self.paragraph.clear()
        if not self.fence:
            if found and not (found[1][0] == "`" and "`" in found[2]):
                self.fence = found[1]
        elif found and found[1].startswith(self.fence) and not found[2].strip():
            self.fence = ""

    def _written(self, start: int, line: str) -> None:
        if not line.strip() or (not self.paragraph and _NO_PARAGRAPH.match(line)) or len(self.paragraph) > 3:
            # What follows a list or a quote without a blank line belongs to it.
            self.paragraph.clear()
            self.start = -1 if line.strip() else 0
        elif self.start >= 0:
            if not self.paragraph:
                self.start = start
            self.paragraph.append(line)


def _front_matter(text: str) -> tuple[int, str]:
    """Where the text after the front matter begins, 0 if there is none, and the title in it."""
    if not text.startswith(("---\n", "+++\n")):
        return 0, ""
    title = ""
    for count, (start, line) in enumerate(lines_of(text)):
        if count > _MAX_MATTER_LINES:
            break
        if count and line.rstrip() in (text[:3], "..."):
            return start + len(line) + 1, title
        if not title and len(line) < _MAX_LINE and (found := _TITLE.match(line.replace(" = ", ": ", 1))):
            title = plain(found[1].strip(" \t\"'"))
    return 0, ""


def _bare(text: str) -> str:
    text = _ATTRIBUTES.sub("", text.strip())
    return plain(_EMPHASIS.sub("", _TAG.sub("", _LINK.sub(r"\1", text))))
