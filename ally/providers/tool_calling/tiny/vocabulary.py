"""The words that the examples know, and which of them a mistyped word stands for."""

from collections.abc import Iterable, Iterator


class Vocabulary:
    """Known words. One letter too many, missing, or two in the wrong order still find the word."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)
        self._near: dict[str, str] = {}
        for word in sorted(self._words, key=lambda word: (-len(word), word)):
            if len(word) >= 3:
                for typo in _typos(word):
                    self._near.setdefault(typo, word)

    def __contains__(self, word: str) -> bool:
        return word in self._words

    def correct(self, word: str) -> str:
        """The known word that is meant, else `word` itself."""
        if word in self._words or len(word) < 3 or not word.isalpha():
            return word
        if word in self._near:
            return self._near[word]
        if len(word) > 3:
            for shorter in _without_one(word):
                if len(shorter) > 3 and shorter in self._words:
                    return shorter
        return word


def _typos(word: str) -> Iterator[str]:
    """`word` with two neighbours exchanged or, if it is longer, one letter missing; the first letter stays."""
    for at in range(len(word) - 1):
        if word[at] != word[at + 1]:
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if len(word) > 3:
        yield from _without_one(word)


def _without_one(word: str) -> Iterator[str]:
    for at in range(1, len(word)):
        yield word[:at] + word[at + 1 :]
