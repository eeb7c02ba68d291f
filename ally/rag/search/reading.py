"""Candidates are read: now it is known what they say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ally.rag.search.asking import Asked
from ally.rag.search.fusing import Candidate
from ally.rag.search.hit import Why
from ally.rag.search.wording import held, holds_phrase
from ally.rag.stores.base import Collection, Stored


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A passage that was found, with its text."""

    collection: Collection
    stored: Stored
    why: Why

    @property
    def source(self) -> tuple[str, str]:
        """Collection and path of the file it is of."""
        return self.collection.name, self.stored.path


def read(candidates: Sequence[Candidate], asked: Asked) -> list[Read]:
    """The passages of `candidates` in their order, those that hold what the question quotes before the others.

    What is gone meanwhile is left out.

    Raises:
        StorageError: a collection cannot be read.
    """
    wanted: dict[str, tuple[Collection, list[int]]] = {}
    for one in candidates:
        wanted.setdefault(one.collection.name, (one.collection, []))[1].append(one.id)
    stored = {(name, one.id): one for name, (collection, ids) in wanted.items() for one in collection.passages(ids)}
    found = [
        _explained(one, there, asked)
        for one in candidates
        if (there := stored.get((one.collection.name, one.id))) is not None
    ]
    if asked.phrases:
        found.sort(key=lambda one: -_quotes(one, asked.phrases))
    return found


def _explained(one: Candidate, stored: Stored, asked: Asked) -> Read:
    why = replace(one.why, words=held([*asked.words, *asked.earlier], stored.passage.searched))
    quotes = [phrase for phrase in asked.phrases if holds_phrase(phrase, stored.passage.searched)]
    if quotes:
        why = replace(why, notes=(*why.notes, f"holds {', '.join(map(repr, quotes))}"))
    return Read(one.collection, stored, why)


def _quotes(one: Read, phrases: Sequence[str]) -> int:
    return sum(holds_phrase(phrase, one.stored.passage.searched) for phrase in phrases)
