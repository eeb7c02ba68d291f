"""Finding in a document the words that an answer says it took from there."""

import re
from collections.abc import Iterator

from ally.rag.citing.folding import Folded, fold

MIN_WORDS, MIN_CHARACTERS = 2, 8
"""A quote has so many words, or so many characters: less would be found anywhere."""
MAX_GAP = 1_000
"""What an ellipsis may stand for, in characters."""
MAX_PLACES = 50

_ELLIPSIS = re.compile(r"\[\s*(?:\.{3,}|\u2026)\s*\]|\(\s*(?:\.{3,}|\u2026)\s*\)|\.{3,}|(?:\.\s){2,}\.|\u2026")
_EDGE = " .,;:!?"


def pieces_of(quote: str) -> list[str]:
    """The stretches of a quote between its ellipses, folded; none if it is too short to be one."""
    folded = (fold(piece).text.strip(_EDGE).removeprefix("- ") for piece in _ELLIPSIS.split(quote))
    return [piece for piece in folded if _is_long_enough(piece)]


def find(document: Folded, pieces: list[str]) -> Iterator[tuple[int, int]]:
    """Where in the document's own text the pieces stand, one after the other and close together; every place."""
    first, *others = pieces
    for _, (start, end) in zip(range(MAX_PLACES), _places(document, first, 0, len(document.text)), strict=False):
        last = end
        for piece in others:
            following = next(_places(document, piece, last, last + MAX_GAP + len(piece)), None)
            if following is None:
                break
            last = following[1]
        else:
            yield document.span(start, last)


def _places(document: Folded, piece: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    at = document.text.find(piece, start, stop)
    while at >= 0:
        if _stands_alone(document.source, *document.span(at, at + len(piece))):
            yield at, at + len(piece)
        at = document.text.find(piece, at + 1, stop)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no word or number is cut at either end: `5 seconds` is not what `1.5 seconds` says."""
    first, last = text[start], text[end - 1]
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if _is_spelled(first) and _is_spelled(before[-1:]):
        return False
    if _is_spelled(last) and _is_spelled(after[:1]):
        return False
    if first.isdigit() and re.search(r"\d[.,]$|(?:^|[^\w.,)])[-\u2212]$", before):
        return False
    return not (last.isdigit() and re.match(r"[.,]\d", after))


def _is_spelled(char: str) -> bool:
    """Whether it is a letter of a script that sets words apart, or a digit."""
    return char.isdigit() or char.lower() != char.upper()


def _is_long_enough(piece: str) -> bool:
    return len(re.findall(r"\w+", piece)) >= MIN_WORDS or len(piece) >= MIN_CHARACTERS
