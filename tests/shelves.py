"""Collections for tests, filled without the processes that read files."""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ally.rag.chunking import chunk
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted
from ally.rag.library import Library
from ally.rag.stores.base import FileState
from ally.rag.stores.embedded import EmbeddedShelf
from tests.embedders import WordEmbedder


def make_library(folder: Path) -> Library:
    """A library whose store is in `folder`."""
    return Library(
        open_shelf=lambda: EmbeddedShelf(folder / "kb"), make_embedder=WordEmbedder, home=folder, warn=lambda text: None
    )


def put(library: Library, name: str, files: Sequence[Path]) -> None:
    """Take the text of `files` into the collection `name`, with vectors."""
    embedder = library.embedder
    with closing(library.shelf.create(name)) as collection, collection.writing():
        collection.set_embedder(embedder.fingerprint)
        for path in files:
            data, found = path.read_bytes(), path.stat()
            document = Extracted(data.decode(), "text")
            state = FileState(str(path), found.st_size, found.st_mtime_ns, hashlib.sha256(data).hexdigest())
            collection.put(state, document, chunk(document, ChunkLimits()))
        ids, texts = zip(*collection.waiting(1000), strict=True)
        collection.add_vectors(embedder.fingerprint, ids, embedder.embed(texts, "passage"))
