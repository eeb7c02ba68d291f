"""The port of a store: collections of documents, found by words and by vectors."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ally.rag.document import Extracted, Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was when it was read. `path` is absolute; `problem` says why it was skipped, "" if it was not."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A passage in a collection. `position` counts the passages of its document from 0."""

    id: int
    path: str
    position: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage's score: BM25 (higher is better) or cosine."""

    id: int
    score: float


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """What a listing shows. `roots` are the files and folders that were added, `size_bytes` is what it takes on disk.

    `fingerprint` is that of the embedder of its vectors, "" before there are any; `embedded` counts the passages that
    have one. `updated_at` is in seconds since 1970. `notes` are sentences on what would make it better.
    """

    name: str
    roots: tuple[str, ...]
    is_indexed: bool
    fingerprint: str
    files: int
    skipped: int
    passages: int
    embedded: int
    size_bytes: int
    updated_at: float
    notes: tuple[str, ...] = ()


class Collection(Protocol):
    """One collection, open; threads may share it. Readers see what was committed, whatever a writer does.

    Each change is all or nothing. Small changes one after the other may be committed together: at the latest a second
    after the first of them, when something else is asked of the same object, and at the end of `writing`.
    """

    @property
    def name(self) -> str:
        """As the user gave it."""
        ...

    def facts(self) -> CollectionFacts:
        """Counts and settings."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Be the one who changes it; what changes it is called inside. Vectors that were damaged are waited for again.

        Raises:
            StorageError: another process is changing it, or has removed it.
        """
        ...

    def set_indexed(self, *, is_indexed: bool) -> None:
        """Whether answers may use it. Needs no `writing`."""
        ...

    def set_roots(self, roots: Sequence[str]) -> None:
        """What `sync` looks at, absolute paths."""
        ...

    def set_embedder(self, fingerprint: str) -> None:
        """From here on vectors are those of `fingerprint`; those of another one are dropped at once."""
        ...

    def files(self) -> dict[str, FileState]:
        """All files by path, the skipped ones too."""
        ...

    def state(self, path: str) -> FileState | None:
        """One of them; None if nothing is known of `path`."""
        ...

    def put(self, state: FileState, document: Extracted, passages: Sequence[Passage]) -> None:
        """Take in a file in place of what was known of its path.

        A vector belongs to the text it was made of (`Passage.searched`): whatever passage of the collection has that
        text has the vector, also when a file was moved, or removed and put again before `tidy`.
        """
        ...

    def skip(self, state: FileState) -> None:
        """Note why a file is not in, in place of what was known of its path."""
        ...

    def touch(self, state: FileState) -> None:
        """The file has the same content but another time."""
        ...

    def move(self, old_path: str, state: FileState) -> None:
        """The document is at `state.path` now."""
        ...

    def remove(self, paths: Sequence[str]) -> None:
        """Forget these files."""
        ...

    def waiting(self, limit: int) -> list[tuple[int, str]]:
        """Up to `limit` texts without a vector (`Passage.searched`), each once, with the id of a passage that has it.

        They come in a fixed order.
        """
        ...

    def known_vectors(self, fingerprint: str, texts: Sequence[str]) -> "dict[int, NDArray[np.float32]]":
        """Vectors that the collection has of these very texts (`Passage.searched`), by their index."""
        ...

    def add_vectors(self, fingerprint: str, ids: Sequence[int], vectors: "NDArray[np.float32]") -> None:
        """Give passages, and all others with the same text, their vectors: shape (len(ids), dim), of length 1.

        It is committed when it returns. Ids that are gone meanwhile are left out.

        Raises:
            DimensionMismatch: `dim` is not that of the vectors before, or `fingerprint` is not the collection's.
        """
        ...

    def by_words(self, words: Sequence[str], limit: int) -> list[Scored]:
        """The passages that hold any of `words` (folded and stemmed here), best BM25 first; ties by id.

        `words` are no query language: every sign is a sign. Very common words may count for less than BM25 says, or
        not at all beside rarer ones.
        """
        ...

    def by_vector(self, vector: "NDArray[np.float32]", limit: int) -> list[Scored]:
        """The passages nearest to `vector` (shape (dim,), length 1), best first; ties by id.

        Large collections may miss some of them.

        Raises:
            DimensionMismatch: the vectors here have another length.
        """
        ...

    def passages(self, ids: Sequence[int]) -> list[Stored]:
        """These passages, in this order; what is gone is left out."""
        ...

    def neighbours(self, path: str, first: int, last: int) -> list[Stored]:
        """The passages of one document at the positions `first` to `last`, both included."""
        ...

    def extracted(self, path: str) -> Extracted | None:
        """The text of a document as it was read."""
        ...

    def each(self) -> Iterator[Stored]:
        """All passages, by path and position."""
        ...

    def tidy(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Give back the room of what was removed, and make large collections fast; inside `writing`.

        That may take minutes after many changes; what is left when `is_stopped` is done the next time.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class Shelf(Protocol):
    """Where collections are kept."""

    def names(self) -> list[str]:
        """All collections, sorted without regard to case."""
        ...

    def open(self, name: str) -> Collection:
        """An existing one.

        Raises:
            UnknownCollection: there is none of that name.
            StorageError: it cannot be read.
        """
        ...

    def create(self, name: str) -> Collection:
        """A new one, empty and indexed; an existing one is opened."""
        ...

    def delete(self, name: str) -> None:
        """Remove it with everything in it.

        Raises:
            UnknownCollection: there is none of that name.
            StorageError: it is being changed, or cannot be removed.
        """
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
