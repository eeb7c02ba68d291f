"""The text of files as they are now, for whoever checks what is said of them."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from ally.errors import AllyError
from ally.messages import Source
from ally.rag.citing.checking import Reading
from ally.rag.document import Extracted
from ally.rag.extract.limits import MAX_FILE_BYTES

MAX_KEPT_CHARS = 20_000_000
"""So much text is kept for the next question."""

Stored = Callable[[str, str], tuple[str, Extracted] | None]
"""Path and collection to the SHA-256 of a file when it was read, and its text."""


def read_anew(path: str) -> Extracted | None:
    """The text of a file as it is now, read in a process of its own.

    Raises:
        KnowledgeError: the process does not start.
    """
    from ally.rag.chunking.limits import ChunkLimits  # late: few files change while they are cited
    from ally.rag.extract.limits import ReadLimits  # late: as above
    from ally.rag.extract.reading import Reader  # heavy

    with Reader(ChunkLimits(), ReadLimits(processes=1)) as reader:
        return next(reader.read([path])).document


class CurrentTexts:
    """Gives the stored text of a file that is still what was stored, and has others read anew by `read`.

    Threads may share it.
    """

    def __init__(self, stored: Stored, read: Callable[[str], Extracted | None]) -> None:
        self._stored = stored
        self._read = read
        self._kept: dict[str, tuple[tuple[int, int], Reading | None]] = {}
        self._lock = Lock()

    def now(self, source: Source) -> Reading | None:
        """The file of `source`; None if it is gone or gives no text."""
        path = source.path
        try:
            found = os.stat(path)  # noqa: PTH116 - paths may be what Path refuses
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_BYTES:
            return None
        state = found.st_size, found.st_mtime_ns
        with self._lock:
            kept = self._kept.get(path)
            if kept is None or kept[0] != state:
                document = self._current(source)
                kept = state, Reading(document) if document is not None else None
                self._keep(path, kept)
            return kept[1]

    def _current(self, source: Source) -> Extracted | None:
        try:
            with Path(source.path).open("rb") as file:
                now = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None
        try:
            stored = self._stored(source.path, source.collection)
        except AllyError:  # the collection is gone
            stored = None
        if stored is not None and stored[0] == now:
            return stored[1]
        try:
            return self._read(source.path)
        except AllyError:
            return None

    def _keep(self, path: str, kept: tuple[tuple[int, int], Reading | None]) -> None:
        self._kept.pop(path, None)
        self._kept[path] = kept
        sizes = [len(one.document.text) if one else 0 for _, one in self._kept.values()]
        for old, size in list(zip(self._kept, sizes, strict=True))[:-1]:
            if sum(sizes) <= MAX_KEPT_CHARS:
                break
            del self._kept[old]
            sizes.remove(size)
