"""What is kept of a passage, so that its place in a file that has changed since can be found."""

import re
import zlib

from ally.rag.citing.folding import Folded, fold

_WORD = re.compile(r"\w+")
_PRIME = (1 << 61) - 1
_BASE = 1_000_003
_UNSURE = 8
"""A passage of more words may begin and end within a word: its first and last one are left out."""


def fingerprint(text: str) -> str:
    """Of the passage `text`: how many words, and a hash of them; a + says that the words at its ends are left out."""
    words = _WORD.findall(fold(text).text)
    is_inner = len(words) > _UNSURE
    words = words[1:-1] if is_inner else words
    value = 0
    for word in words:
        value = (value * _BASE + _code(word)) % _PRIME
    return f"{len(words)}:{value:x}{'+' if is_inner else ''}"


def find_passage(document: Folded, wanted: str) -> tuple[int, int] | None:
    """Where the passage with the fingerprint `wanted` stands in the document's own text; None if it does not."""
    count, value = _parsed(wanted)
    words = list(_WORD.finditer(document.text))
    if count == 0 or count > len(words):
        return None
    codes = [_code(word[0]) for word in words]
    leaving = pow(_BASE, count, _PRIME)
    rolling = 0
    for place, code in enumerate(codes):
        rolling = (rolling * _BASE + code) % _PRIME
        if place >= count:
            rolling = (rolling - codes[place - count] * leaving) % _PRIME
        if place >= count - 1 and rolling == value:
            more = wanted.endswith("+")
            first, last = max(0, place - count + 1 - more), min(len(words) - 1, place + more)
            return document.span(words[first].start(), words[last].end())
    return None


def _parsed(wanted: str) -> tuple[int, int]:
    count, _, value = wanted.removesuffix("+").partition(":")
    try:
        return int(count), int(value, 16)
    except ValueError:  # of a session that somebody edited
        return 0, 0


def _code(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))
