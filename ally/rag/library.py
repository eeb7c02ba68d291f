"""Everything that can be done with collections: what commands, the `knowledge` tool and grounded answers call."""

import contextlib
import os
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ally.errors import AllyError, KnowledgeError, StorageError, UnknownCollection
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted
from ally.rag.embeddings.base import Embedder
from ally.rag.embeddings.counting import room
from ally.rag.progress import Report, Watcher
from ally.rag.search.hit import Found
from ally.rag.stores.base import Collection, CollectionFacts, FileState, Shelf

if TYPE_CHECKING:
    from ally.rag.evaluate import Evaluation, Options
    from ally.rag.search.query import Query
    from ally.rag.search.reranking import Reranker

MAX_NAME_LENGTH = 64
_LARGEST_TARGET = 224
"""Tokens that passages are filled up to, unless the settings say otherwise: what the local model reads, with room."""


@dataclass
class Library:
    """The user's collections in one store. Threads may share it; nothing is opened before it is needed.

    `make_embedder` opens the embedder that is set, `make_reranker` the reranker, None if none is set. `warn` is told of
    collections that cannot be read, `own_folders` are Ally's, whose files are never read.
    """

    open_shelf: Callable[[], Shelf]
    make_embedder: Callable[[], Embedder]
    home: Path
    warn: Callable[[str], None]
    own_folders: tuple[Path, ...] = ()
    chunk_tokens: int | None = None
    make_reranker: "Callable[[], Reranker | None]" = lambda: None
    _shelf: Shelf | None = field(default=None, init=False)
    _embedder: Embedder | None = field(default=None, init=False)
    _reranker: "Reranker | None" = field(default=None, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    @property
    def shelf(self) -> Shelf:
        """Where the collections are."""
        with self._lock:
            if self._shelf is None:
                self._shelf = self.open_shelf()
            return self._shelf

    @property
    def embedder(self) -> Embedder:
        """What makes the vectors.

        Raises:
            AllyError: it cannot be had: a wrong name, a missing key or package.
        """
        with self._lock:
            if self._embedder is None:
                self._embedder = self.make_embedder()
            return self._embedder

    @property
    def reranker(self) -> "Reranker | None":
        """What sorts once more, if that is set.

        Raises:
            AllyError: it cannot be had.
        """
        with self._lock:
            if self._reranker is None:
                self._reranker = self.make_reranker()
            return self._reranker

    def collections(self) -> list[CollectionFacts]:
        """What there is, by name."""
        return [facts for name in self.shelf.names() if (facts := self._facts(name)) is not None]

    def indexed(self) -> list[str]:
        """The names of the collections that answers may use."""
        return [facts.name for facts in self.collections() if facts.is_indexed]

    def add(self, path: Path, name: str, watcher: Watcher = Watcher()) -> Report:  # noqa: B008 - frozen
        """Read a file or folder into the collection `name`, which is made if there is none.

        Raises:
            KnowledgeError: there is nothing at `path`, it cannot be looked at, or the name cannot be one.
            EmbedderChanged, StorageError: as `indexing.run`.
        """
        path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - links stay as they were named
        check_name(name)
        _look_at(path)
        embedder = self.embedder  # first: without one no empty collection is left behind
        with contextlib.closing(self.shelf.create(name)) as collection:
            roots = collection.facts().roots
            if not any(_holds(Path(root), path) for root in roots):
                inside = [root for root in roots if _holds(path, Path(root))]
                with collection.writing():
                    collection.set_roots([*(root for root in roots if root not in inside), str(path)])
            return self._run(collection, embedder, watcher)

    def sync(self, name: str, watcher: Watcher = Watcher(), *, rebuild: bool = False) -> Report:  # noqa: B008 - frozen
        """Bring a collection up to date with its files; with `rebuild` everything is read and embedded anew.

        Raises:
            UnknownCollection: there is none of that name.
            EmbedderChanged, StorageError: as `indexing.run`.
        """
        with contextlib.closing(self.shelf.open(name)) as collection:
            return self._run(collection, self.embedder, watcher, rebuild=rebuild)

    def search(
        self, query: "Query", names: Sequence[str] = (), may_show: Callable[[str], bool] = lambda path: True
    ) -> Found:
        """The passages of the collections `names` (empty: all indexed ones) that answer `query`.

        Without an embedder, or where it fails, words alone are searched for; without the reranker that is set the order
        stays as it is. `Found.notes` says so. Files whose paths `may_show` refuses are left out.

        Raises:
            UnknownCollection: there is none of that name.
            KnowledgeError: no collection is indexed.
        """
        from ally.rag.search.search import search  # heavy

        names = names or self.indexed()
        if not names:
            raise KnowledgeError(
                "No collection is indexed.", hint="ally kb add PATH NAME makes one; ally kb index NAME takes one in"
            )
        with contextlib.ExitStack() as stack:
            collections = [stack.enter_context(contextlib.closing(self.shelf.open(name))) for name in names]
            embedder, reranker, notes = self._sorters()
            found = search(collections, query, embedder, reranker, may_show)
        return replace(found, notes=(*found.notes, *notes))

    def files(self, name: str) -> list[FileState]:
        """The files of a collection by path, with those that were skipped and why.

        Raises:
            UnknownCollection: there is none of that name.
            StorageError: it cannot be read.
        """
        with contextlib.closing(self.shelf.open(name)) as collection:
            return [state for _, state in sorted(collection.files().items())]

    def evaluate(
        self,
        name: str,
        options: "Options",
        embedders: Sequence[Embedder] = (),
        watcher: Watcher = Watcher(),  # noqa: B008 - frozen
    ) -> "Evaluation":
        """How well a collection is found as it is set, then with other lengths of passages and other `embedders`.

        Raises:
            UnknownCollection: there is none of that name.
            KnowledgeError, ProviderError, StorageError: as `evaluate`.
        """
        from ally.rag.evaluate import evaluate  # heavy

        lengths = dict.fromkeys((self.limits().target_tokens, *options.chunk_tokens))
        with contextlib.closing(self.shelf.open(name)) as collection:
            return evaluate(
                collection, [self.embedder, *embedders], replace(options, chunk_tokens=tuple(lengths)), watcher
            )

    def index(self, name: str, *, is_indexed: bool) -> None:
        """Let answers use a collection, or keep it out of them.

        Raises:
            UnknownCollection: there is none of that name.
        """
        with contextlib.closing(self.shelf.open(name)) as collection:
            collection.set_indexed(is_indexed=is_indexed)

    def remove(self, name: str) -> None:
        """Delete a collection; its files stay where they are.

        Raises:
            UnknownCollection: there is none of that name.
            StorageError: it is being changed.
        """
        self.shelf.delete(name)

    def purge(self) -> list[str]:
        """Delete all collections; their names.

        Raises:
            StorageError: one is being changed; those before it are gone.
        """
        names = self.shelf.names()
        for name in names:
            self.shelf.delete(name)
        return names

    def extracted(self, path: str, collection: str = "") -> tuple[str, Extracted] | None:
        """The SHA-256 of a file as it was read and its text, from `collection` or whichever has it."""
        for name in [collection] if collection else self.shelf.names():
            with contextlib.closing(self.shelf.open(name)) as one:
                document = one.extracted(path)
                state = one.state(path) if document else None
                if document and state:
                    return state.sha256, document
        return None

    def close(self) -> None:
        """Let go of files, connections and processes."""
        with self._lock:
            if self._embedder is not None:
                self._embedder.close()
            if self._reranker is not None:
                self._reranker.close()
            if self._shelf is not None:
                self._shelf.close()
            self._embedder = self._reranker = self._shelf = None

    def limits(self) -> ChunkLimits:
        """How long passages are made."""
        embedder = self.embedder
        most = room(embedder.max_tokens, embedder.counter)
        return ChunkLimits(most, min(self.chunk_tokens or _LARGEST_TARGET, most), embedder.counter)

    def _run(self, collection: Collection, embedder: Embedder, watcher: Watcher, *, rebuild: bool = False) -> Report:
        from ally.rag.indexing.run import Surroundings, run  # heavy

        with self._others(collection.name, embedder.fingerprint) as others:
            around = Surroundings(self.home, self.own_folders, self.limits(), others)
            return run(collection, embedder, around, watcher, rebuild=rebuild)

    @contextlib.contextmanager
    def _others(self, name: str, fingerprint: str) -> Generator[tuple[Collection, ...]]:
        """The other collections whose vectors are of the same embedder."""
        names = [facts.name for facts in self.collections() if facts.fingerprint == fingerprint and facts.name != name]
        with contextlib.ExitStack() as stack:
            yield tuple(stack.enter_context(contextlib.closing(self.shelf.open(one))) for one in names)

    def _sorters(self) -> "tuple[Embedder | None, Reranker | None, list[str]]":
        """The embedder and the reranker, as far as they can be had, and why one cannot."""
        embedder, notes = None, list[str]()
        try:
            embedder = self.embedder
        except AllyError as error:
            notes.append(error.message)
        try:
            return embedder, self.reranker, notes
        except AllyError as error:
            return embedder, None, [*notes, f"Not reranked: {error.message}"]

    def _facts(self, name: str) -> CollectionFacts | None:
        try:
            with contextlib.closing(self.shelf.open(name)) as collection:
                return collection.facts()
        except UnknownCollection:  # gone meanwhile
            return None
        except StorageError as error:  # the others can be used
            self.warn(f"{name}: {error.message} {error.hint}".strip())
            return None


def check_name(name: str) -> None:
    """Whether a collection can be called that.

    Raises:
        KnowledgeError: it cannot.
    """
    is_good = name and name == name.strip() and name.isprintable() and len(name) <= MAX_NAME_LENGTH
    if not is_good or name.startswith("-"):
        raise KnowledgeError(
            f"A collection cannot be called {name!r}.",
            hint=f"use up to {MAX_NAME_LENGTH} printable characters, with no - or blank at the beginning",
        )


def _look_at(path: Path) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last one: a NUL in it
        raise KnowledgeError(f"There is nothing at {path}.", hint="give the path of a file or a folder") from None
    except OSError as exc:
        raise KnowledgeError(
            f"{path} cannot be read: {exc.strerror or exc}.",
            hint="give the path of a file or a folder that you may read",
        ) from exc


def _holds(folder: Path, path: Path) -> bool:
    return path == folder or folder in path.parents
