"""Passages that say the same: mirrored documents, versions of one page, a text planted many times."""

import re
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

_WORD = re.compile(r"\w+")
_LONG = 3
_ALIKE = 0.6
_CONTAINED = 0.9


def shingles(text: str) -> frozenset[int]:
    """Every three words in a row, as numbers; of a text of fewer words all of them in one."""
    words = _WORD.findall(text.casefold())
    last = max(1, len(words) - _LONG + 1)
    return frozenset(hash(tuple(words[start : start + _LONG])) for start in range(last)) if words else frozenset()


@dataclass(slots=True)
class Seen(Generic[T]):
    """The texts that were kept so far, each with a name."""

    _kept: list[tuple[frozenset[int], T]] = field(default_factory=lambda: [])

    def find(self, text: str) -> T | None:
        """The name of a kept text that says the same: 60 % of what either says, or 90 % of what `text` says."""
        mine = shingles(text)
        for theirs, name in self._kept:
            shared = len(mine & theirs)
            if mine and (shared >= _ALIKE * len(mine | theirs) or shared >= _CONTAINED * len(mine)):
                return name
        return None

    def keep(self, text: str, name: T) -> None:
        """Remember a text."""
        self._kept.append((shingles(text), name))
