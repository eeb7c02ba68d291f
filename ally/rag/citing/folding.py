"""Text as quotes are compared: what differs between a file and a faithful copy of it does not count.

That is white space, case, accents, quotation marks, dashes between words or of another kind, marks of Markdown and of
lists, targets of links, and hyphens within words, at the end of a line or soft ones.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

_QUOTES = "\"'\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u00b4\u2032\u2033"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u0300-\u036f"
_MARKS = r"*_`'#>|~\\\[\]"
_LETTER = r"[^\W\d_]"
_CHANGED = re.compile(
    rf"""
      (?P<none>[{_INVISIBLE}]+
        |(?<={_LETTER})-(?:[ \t]*\n[ \t]*)?(?={_LETTER})
        |\]\([^()\s]{{0,500}}\))
    | (?P<item>\s*\n[ \t>]*(?:[+\u2022]|//+)[ \t]+|\s[\s>]*-{{1,3}}\s+)
    | (?P<run>[\s{_MARKS}]{{2,}}|[^\S ]|[{_MARKS}])
    | (?P<joined>[\ufb00-\ufb06])
    """,
    re.VERBOSE,
)


@cache
def _same() -> dict[int, str]:
    """What each character is compared as: Latin letters without accents, quotation marks and dashes of one kind."""
    latin = (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
    return {
        **{code: unicodedata.normalize("NFD", chr(code))[0].lower() for code in latin},
        **dict.fromkeys(map(ord, _QUOTES), "'"),
        **dict.fromkeys(map(ord, _DASHES), "-"),
    }


@dataclass(frozen=True, slots=True)
class Folded:
    """The folded form of `source`: `starts` are where stretches begin in `text`, `origins` where in `source`."""

    source: str
    text: str
    starts: list[int]
    origins: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where characters `start` up to `end` of `text`, which are at least one, stand in `source`."""
        return self._origin(start), self._origin(end - 1) + 1

    def _origin(self, place: int) -> int:
        stretch = bisect_right(self.starts, place) - 1
        return self.origins[stretch] + place - self.starts[stretch]


def fold(source: str) -> Folded:
    """`source` as it is compared."""
    text = source.translate(_same()).lower()
    if len(text) != len(source):  # a capital whose small letter is two characters
        text = "".join(char.lower() if len(char.lower()) == 1 else char for char in source.translate(_same()))
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    at = size = 0
    for found in _CHANGED.finditer(text):
        kept, put = text[at : found.start()], _put(found)
        for piece, origin in ((kept, at), (put, found.start())):
            if piece:
                pieces.append(piece)
                starts.append(size)
                origins.append(origin)
                size += len(piece)
        at = found.end()
    if at < len(text) or not pieces:
        pieces.append(text[at:])
        starts.append(size)
        origins.append(at)
    return Folded(source, "".join(pieces), starts, origins)


def _put(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "item":
            return " "
        case "run":
            return "" if found[0].strip() and not any(map(str.isspace, found[0])) else " "
        case "joined":
            return unicodedata.normalize("NFKC", found[0])
        case _:
            return ""
