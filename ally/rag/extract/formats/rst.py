"""reStructuredText as it is, with its headings.

Source: docutils, "reStructuredText Markup Specification", Sections.
"""

import re
from collections.abc import Iterator

from ally.rag.document import Extracted, Heading
from ally.rag.extract.decoding import decode, lines_of, plain

_RULE = re.compile(r"([!-/:-@\[-`{-~])\1+\s*$")
_ROLE = re.compile(r":[\w:+.-]{1,60}:(?=`)")
_TARGET = re.compile(r"\s*<[^<>]*>`_{0,2}")
_MARKS = re.compile(r"``|`_{0,2}|\*\*|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)|\|(?=\S)|(?<=\S)\||\\(?=\S)")
_MAX_TITLE = 500


def extract(data: bytes, name: str) -> Extracted:
    """The text with its headings; the title is the first of the highest level."""
    text = decode(data, name)
    headings = tuple(_headings(text))
    title = next((one.text for one in headings if one.level == 1), "")
    return Extracted(text, "rst", title, headings)


def _headings(text: str) -> Iterator[Heading]:
    """A title is a line under which, or over and under which, a rule of one sign is at least as long; how the signs
    follow each other the first time is the order of the levels."""
    levels: list[tuple[str, bool]] = []
    before = above = (0, "")  # the last two lines with where they start
    for start, line in lines_of(text):
        here = (start, line if len(line) <= _MAX_TITLE else "?")
        sign = _sign(here[1])
        if sign and (found := _title(above[1], before[1], here[1])):
            has_overline = found == "over"
            style = (sign, has_overline)
            if style not in levels:
                levels.append(style)
            yield Heading(above[0] if has_overline else before[0], levels.index(style) + 1, _bare(before[1]))
            here = (start, "")  # a rule closes one title only
        above, before = before, here


def _title(above: str, line: str, rule: str) -> str:
    """Whether `line` is a title: `over` and under it are rules, or only `under`; "" if it is none."""
    text, length = line.strip(), len(rule.rstrip())
    if not text or _sign(line):
        return ""
    if _sign(above) == _sign(rule) and len(above.rstrip()) == length:
        return "over" if len(text) <= length else ""
    is_flush = not line[0].isspace()
    return "under" if is_flush and not above.strip() and (len(text) <= length or length >= 4) else ""


def _sign(line: str) -> str:
    found = _RULE.match(line)
    return found[1] if found else ""


def _bare(text: str) -> str:
    return plain(_MARKS.sub("", _TARGET.sub("", _ROLE.sub("", text))))
