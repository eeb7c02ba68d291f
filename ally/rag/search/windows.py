"""Questions that are longer than the embedder reads: a pasted log, a letter."""

import re
from collections.abc import Iterator
from itertools import islice

from ally.rag.embeddings.base import Embedder
from ally.rag.embeddings.counting import TokenCounter, load_counter
from ally.rag.search.wording import telling_words

MOST_WINDOWS = 4
_LONGEST = 200_000
_MOST_READ = 64
_PIECE = re.compile(r".+?(?:[.!?\u3002\uff01\uff1f](?=\s|$)|\n|$)\s*", re.S)


def windows(text: str, embedder: Embedder) -> list[str]:
    """`text` whole, or pieces that the embedder can read, at most four, in order.

    People ask before or after what they paste, so the first and the last piece are among them; of the others those that
    say most of what `text` as a whole is about.
    """
    counter, most = load_counter(embedder.counter), embedder.max_tokens
    if len(text.encode()) <= most or (len(text) <= _LONGEST and counter(text) <= most):
        return [text]
    start, end = text[: _LONGEST // 2], text[max(_LONGEST // 2, len(text) - _LONGEST // 2) :]
    pieces = [*islice(_pieces(start, counter, most), _MOST_READ), *list(_pieces(end, counter, most))[-_MOST_READ:]]
    if len(pieces) <= MOST_WINDOWS:
        return pieces
    about = {word.casefold() for word in telling_words(text[:_LONGEST])}
    middle = sorted(range(1, len(pieces) - 1), key=lambda n: -_shared(pieces[n], about))[: MOST_WINDOWS - 2]
    return [pieces[n] for n in (0, *sorted(middle), len(pieces) - 1)]


def _pieces(text: str, counter: TokenCounter, most: int) -> Iterator[str]:
    """Sentences and lines put together up to `most` tokens; what is longer by itself is cut at blanks, or anywhere."""
    held = ""
    for found in _PIECE.finditer(text):
        for piece in _cut(found[0], counter, most):
            if held.strip() and counter(held + piece) > most:
                yield held.strip()
                held = ""
            held = held + piece if held.strip() else piece
    if held.strip():
        yield held.strip()


def _cut(piece: str, counter: TokenCounter, most: int) -> Iterator[str]:
    while len(piece) > 1 and counter(piece) > most:
        size = max(1, int(len(piece) * 0.9 * most / counter(piece)))
        blank = piece.rfind(" ", size // 2, size)
        size = blank + 1 if blank > 0 else size
        yield piece[:size]
        piece = piece[size:]
    if piece.strip():
        yield piece


def _shared(piece: str, about: set[str]) -> int:
    return sum(word.casefold() in about for word in telling_words(piece))
