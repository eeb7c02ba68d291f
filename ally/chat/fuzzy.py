"""Finding things by some letters of their name."""

import unicodedata
from collections.abc import Sequence

_SPREAD = 4
"""How many times its own length the letters of a word may be spread over."""
_WHOLE, _START, _BOUNDARY, _INSIDE, _SCATTERED = 1000, 800, 600, 400, 100
_FARTHEST = 90
_TRIES = 6
"""So many times a word is looked for until it begins where one does in the text."""


def folded(text: str) -> str:
    """`text` as it is compared: lower case, character for character, so that places in one are places in the other."""
    low = text.lower()
    return (
        low if len(low) == len(text) else "".join(lower if len(lower := char.lower()) == 1 else char for char in text)
    )


def words_of(query: str) -> list[str]:
    """The parts of what the user typed; each must be found."""
    return folded(unicodedata.normalize("NFC", query)).split()


def score(words: Sequence[str], text: str) -> int | None:
    """How well `text`, which is `folded`, fits; more is better. None if a word is not in it, whole or scattered."""
    total = 0
    for word in words:
        at = text.find(word)
        if at < 0:
            scattered = _scattered(word, text)
            if not scattered:
                return None
            total += _SCATTERED - min(scattered[-1] - scattered[0] + 1 - len(word), _FARTHEST)
        else:
            total += _worth(word, text, _beginning(word, text, at))
    return total


def places(words: Sequence[str], text: str) -> list[int]:
    """Which characters of `text`, for which there is a `score`, are the words."""
    found: list[int] = []
    for word in words:
        at = text.find(word)
        if at < 0:
            found += _scattered(word, text)
        else:
            at = _beginning(word, text, at)
            found += range(at, at + len(word))
    return found


def _worth(word: str, text: str, at: int) -> int:
    if at == 0:
        is_whole = len(text) == len(word) or text[len(word)] == "\n"
        return _WHOLE if is_whole else _START
    return (_BOUNDARY if _begins(text, at) else _INSIDE) - min(at, _FARTHEST)


def _beginning(word: str, text: str, first: int) -> int:
    """Where `word` stands at the beginning of one, else where it stands `first`."""
    at = first
    for _ in range(_TRIES):
        if _begins(text, at):
            return at
        at = text.find(word, at + 1)
        if at < 0:
            break
    return first


def _begins(text: str, at: int) -> bool:
    return at == 0 or not text[at - 1].isalnum()


def _scattered(word: str, text: str) -> list[int]:
    """Where the letters of `word` stand in their order and not too far apart; nothing where they do not."""
    if len(word) < 2:
        return []
    if not _in_order(word, text):
        return []
    begin = 0
    for line in text.split("\n"):  # letters of several cells make no word
        if found := _tightest(word, line):
            return [begin + place for place in found]
        begin += len(line) + 1
    return []


def _in_order(word: str, text: str) -> int:
    """Where the first such letters end, counted from 1; 0 if they are not all there."""
    at = 0
    for char in word:
        at = text.find(char, at) + 1
        if not at:
            return 0
    return at


def _tightest(word: str, line: str) -> list[int]:
    at = _in_order(word, line)
    found: list[int] = []
    for char in (
        reversed(word) if at else ""
    ):  # back from the end, so that they are as near to each other as they can be
        at = line.rfind(char, 0, at)
        found.append(at)
    found.reverse()
    return found if found and found[-1] - found[0] < len(word) * _SPREAD else []
