"""The tokens of BERT's models: text without case and accents, in words, in the longest pieces that a vocabulary has.

It gives what the tokenizer that comes with such models gives, except that the names of special tokens in a text, such
as `[SEP]`, are text like any other, and that rare scripts go by the Unicode of Python, not by one of 2015.
"""

import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeVar

_UNKNOWN, _BEGIN, _END = "[UNK]", "[CLS]", "[SEP]"
_MARKS = 2
"""Tokens at the beginning and the end of every text."""

_LONGEST_WORD = 100
_REMEMBERED_WORDS = 50_000
_DROPPED = frozenset(["Cc", "Cf", "Co", "Cs"])
_IDEOGRAPHS = (
    range(0x3400, 0x4DC0),
    range(0x4E00, 0xA000),
    range(0xF900, 0xFB00),
    range(0x20000, 0x2A6E0),
    range(0x2A700, 0x2B820),
    range(0x2B920, 0x2CEB0),  # the block begins at 2B820; the tokenizer that models come with says this
    range(0x2F800, 0x2FA20),
)

T = TypeVar("T")


class WordPiece:
    """The tokenizer of one vocabulary; threads may share it. A piece that does not begin a word begins with `##`.

    Raises:
        ValueError: the vocabulary lacks a special token.
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._numbers = {piece: number for number, piece in enumerate(vocabulary)}
        try:
            self._unknown, self._begin, self._end = (self._numbers[name] for name in (_UNKNOWN, _BEGIN, _END))
        except KeyError as exc:
            raise ValueError(f"the vocabulary has no {exc.args[0]}") from None
        self._words = _Remembered(self._pieces)
        self._lengths = _Remembered(lambda word: len(self._words[word]))

    def ids(self, text: str) -> list[int]:
        """The tokens of `text` as the model takes them, with the marks of beginning and end."""
        tokens = [self._begin]
        for word in text.translate(_SPELLING).split():
            tokens += self._words[word]
        tokens.append(self._end)
        return tokens

    def count(self, text: str) -> int:
        """How many tokens `ids` gives; 6 million characters a second."""
        return sum(map(self._lengths.__getitem__, text.translate(_SPELLING).split()), _MARKS)

    def _pieces(self, word: str) -> tuple[int, ...]:
        """The longest pieces from the left; a word without them is unknown as a whole."""
        if len(word) > _LONGEST_WORD:
            return (self._unknown,)
        found: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._numbers.get(mark + word[start:end])
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return (self._unknown,)
        return tuple(found)


class _Remembered(dict[str, T]):
    """What `find` gives for each word. Most words of a text were there before."""

    def __init__(self, find: Callable[[str], T]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> T:
        if len(self) >= _REMEMBERED_WORDS:
            self.clear()
        self[word] = found = self._find(word)
        return found


class _Spelling(dict[int, str]):
    """What stands for each character, for `str.translate`: blanks around what is a word of its own."""

    def __missing__(self, number: int) -> str:
        self[number] = found = _spell(chr(number))
        return found


def _spell(char: str) -> str:
    if char in "\t\n\r":
        return " "
    if char in "\0\ufffd" or unicodedata.category(char) in _DROPPED:
        return ""
    if char.isspace():
        return " "
    bare = [one for one in unicodedata.normalize("NFD", char) if unicodedata.category(one) != "Mn"]
    text = "".join(f" {one} " if _is_punctuation(one) else one for one in "".join(bare).lower())
    return f" {text} " if any(ord(char) in block for block in _IDEOGRAPHS) else text


def _is_punctuation(char: str) -> bool:
    is_ascii_sign = char.isascii() and not char.isalnum() and char.isprintable()
    return is_ascii_sign or unicodedata.category(char).startswith("P")


_SPELLING = _Spelling()
