"""A collection in memory, for tests of what asks collections: words are told apart by case alone."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from ally.rag.document import Extracted, Passage, Place
from ally.rag.stores.base import CollectionFacts, FileState, Scored, Stored

_WORD = re.compile(r"[^\W_]+")


def _terms(text: str) -> list[str]:
    return _WORD.findall(text.lower())


class MemoryCollection:
    """What searching needs of a collection. `documents` are texts by path; a blank line ends a passage."""

    def __init__(self, name: str, documents: dict[str, str], *, headings: dict[str, str] | None = None) -> None:
        self.name = name
        self.documents = {path: Extracted(text, "text") for path, text in documents.items()}
        self.stored: dict[int, Stored] = {}
        self.vectors: dict[int, NDArray[np.float32]] = {}
        self.fingerprint = ""
        for path, text in documents.items():
            above = (headings[path],) if headings and path in headings else ()
            for position, found in enumerate(re.finditer(r"\S.*?(?=\n\n|\Z)", text.rstrip(), re.S)):
                line = text.count("\n", 0, found.start()) + 1
                place = Place(line, line + found[0].count("\n"))
                id_ = len(self.stored) + 1
                passage = Passage(found[0], found.start(), found.end(), place, above)
                self.stored[id_] = Stored(id_, path, position, passage)

    def facts(self) -> CollectionFacts:
        files, passages, embedded = len(self.documents), len(self.stored), len(self.vectors)
        return CollectionFacts(self.name, (), True, self.fingerprint, files, 0, passages, embedded, 0, 0.0)

    def set_embedder(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self.vectors.clear()

    def waiting(self, limit: int) -> list[tuple[int, str]]:
        ids = [id_ for id_ in self.stored if id_ not in self.vectors]
        return [(id_, self.stored[id_].passage.searched) for id_ in ids[:limit]]

    def known_vectors(self, fingerprint: str, texts: Sequence[str]) -> dict[int, NDArray[np.float32]]:
        by_text = {self.stored[id_].passage.searched: vector for id_, vector in self.vectors.items()}
        return {n: by_text[text] for n, text in enumerate(texts) if text in by_text and fingerprint == self.fingerprint}

    def add_vectors(self, fingerprint: str, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        self.fingerprint = fingerprint
        self.vectors |= dict(zip(ids, vectors, strict=True))

    def by_words(self, words: Sequence[str], limit: int) -> list[Scored]:
        texts = {id_: _terms(one.passage.searched) for id_, one in self.stored.items()}
        average = sum(map(len, texts.values())) / max(1, len(texts))
        scores: defaultdict[int, float] = defaultdict(float)
        for term in dict.fromkeys(term for word in words for term in _terms(word)):
            counts = {id_: text.count(term) for id_, text in texts.items() if term in text}
            idf = math.log(1 + (len(texts) - len(counts) + 0.5) / (len(counts) + 0.5))
            for id_, count in counts.items():
                length = 0.25 + 0.75 * len(texts[id_]) / average
                scores[id_] += idf * count * 2.2 / (count + 1.2 * length)
        return _best(dict(scores), limit)

    def by_vector(self, vector: NDArray[np.float32], limit: int) -> list[Scored]:
        return _best({id_: float(one @ vector) for id_, one in self.vectors.items()}, limit)

    def passages(self, ids: Sequence[int]) -> list[Stored]:
        return [self.stored[id_] for id_ in ids if id_ in self.stored]

    def neighbours(self, path: str, first: int, last: int) -> list[Stored]:
        return [one for one in self.stored.values() if one.path == path and first <= one.position <= last]

    def extracted(self, path: str) -> Extracted | None:
        return self.documents.get(path)

    def each(self) -> Iterator[Stored]:
        return iter(sorted(self.stored.values(), key=lambda one: (one.path, one.position)))

    def files(self) -> dict[str, FileState]:
        return {path: FileState(path, len(one.text), 0, "") for path, one in self.documents.items()}

    def state(self, path: str) -> FileState | None:
        return self.files().get(path)

    def writing(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def set_indexed(self, *, is_indexed: bool) -> None:
        raise NotImplementedError

    def set_roots(self, roots: Sequence[str]) -> None:
        raise NotImplementedError

    def put(self, state: FileState, document: Extracted, passages: Sequence[Passage]) -> None:
        raise NotImplementedError

    def skip(self, state: FileState) -> None:
        raise NotImplementedError

    def touch(self, state: FileState) -> None:
        raise NotImplementedError

    def move(self, old_path: str, state: FileState) -> None:
        raise NotImplementedError

    def remove(self, paths: Sequence[str]) -> None:
        raise NotImplementedError

    def tidy(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


def _best(scores: dict[int, float], limit: int) -> list[Scored]:
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Scored(id_, score) for id_, score in ranked[:limit]]
