"""The words of a text that are looked for: telling ones, identifiers and their parts, exact phrases."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain

from ally.rag.search.stopwords import stopwords

MOST_WORDS = 32
"""A pasted log has thousands; each one looked up takes time, and the common ones find everything."""

MOST_PAIRS = 12

_WORD = re.compile(r"\w+(?:[.\-:/+#@]+\w+)*")
_APOSTROPHE = re.compile("['\u2019]")
_LONGEST_ENDING = 5
_SPLIT = re.compile(r"[\W_]+")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PHRASE = re.compile(r'"([^"\n]{2,200})"|“([^”\n]{2,200})”|„([^“”\n]{2,200})[“”]|«([^»\n]{2,200})»|`([^`\n]{2,200})`')


def telling_words(text: str) -> tuple[str, ...]:
    """The words that say what `text` is about, each once, in order; none where there are only others.

    `os.path.join` stays one word (stores look for its parts, too), `ThreadPool` comes with `Thread` and `Pool`. Of very
    many those that come most often are kept, then the longer ones.
    """
    found = _words(text)
    common = stopwords(map(str.lower, found))
    return _distinct(word for word in found if not _says_nothing(word, common))


def all_words(text: str) -> tuple[str, ...]:
    """All words of `text`, each once, in order; of very many as many as `telling_words` keeps."""
    return _distinct(_words(text))


def pairs(text: str) -> tuple[str, ...]:
    """Words that say something and stand side by side, in order: together they say more than each of them."""
    found = _words(text)
    common = stopwords(map(str.lower, found))
    telling = [len(word) > 1 and not _says_nothing(word, common) for word in found]
    both = (f"{found[n]} {found[n + 1]}" for n in range(len(found) - 1) if telling[n] and telling[n + 1])
    return tuple(dict.fromkeys(both))[:MOST_PAIRS]


def function_share(text: str) -> float:
    """How much of `text` has no meaning of its own, from 0 (keywords) to 1; of a sentence it is 0.3 to 0.6."""
    found = [word.lower() for word in _words(text)]
    common = stopwords(found)
    return sum(word in common for word in found) / len(found) if found else 0.0


def phrases(text: str) -> tuple[str, ...]:
    """What stands in quotes or backticks and has more than one word: it is wanted as it is written."""
    quoted = ("".join(groups).strip() for groups in _PHRASE.findall(text))
    return tuple(dict.fromkeys(phrase for phrase in quoted if len(_SPLIT.split(phrase.strip("._-/ "))) > 1))


def held(words: Sequence[str], text: str) -> tuple[str, ...]:
    """Those of `words` that `text` holds, also in another form; outside of ASCII as a part of anything."""
    folded = text.casefold()
    return tuple(word for word in words if _is_in(_stem(word), folded))


def _is_in(stem: str, text: str) -> bool:
    if stem not in text or not stem.isascii():
        return stem in text
    return re.search(rf"(?<![a-z0-9]){re.escape(stem)}[a-z]{{0,{_LONGEST_ENDING}}}(?![a-z])", text) is not None


def _words(text: str) -> list[str]:
    return _WORD.findall(_APOSTROPHE.sub(" ", text))


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    spelled: dict[str, str] = {}
    for word in chain.from_iterable((word, *_humps(word)) for word in words):
        key = word.casefold()
        counts[key] = counts.get(key, 0) + 1
        spelled.setdefault(key, word)
    if len(counts) > MOST_WORDS:
        best = sorted(counts, key=lambda key: (-counts[key], -len(key)))[:MOST_WORDS]
        spelled = {key: word for key, word in spelled.items() if key in best}
    return tuple(spelled.values())


def holds_phrase(phrase: str, text: str) -> bool:
    """Whether `text` holds `phrase`, without regard to case and line ends."""
    return " ".join(phrase.split()).casefold() in " ".join(text.split()).casefold()


def _says_nothing(word: str, common: frozenset[str]) -> bool:
    lower = word.lower()
    if lower in common:
        return True
    return len(word) == 1 and word.isascii() and word.islower()  # what is left of a genitive


def _humps(word: str) -> list[str]:
    """The parts of a name in camel case; nothing for any other word."""
    if word.islower() or word.isupper() or word.istitle() or not word.isascii():
        return []
    return [
        part
        for name in _SPLIT.split(word)
        if not (name.islower() or name.isupper() or name.istitle())
        for part in _HUMP.findall(name)
        if len(part) > 1
    ]


def _stem(word: str) -> str:
    """What other forms of the word begin with as well, roughly; enough to show why a passage was found."""
    folded = word.casefold()
    for ending in ("ing", "ies", "ed", "es", "s", "e", "y"):
        if folded.endswith(ending) and len(folded) - len(ending) >= 3:
            return folded[: -len(ending)]
    return folded
