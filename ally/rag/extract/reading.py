"""Reading files in processes of their own, so that no file can harm Ally or stop a run."""

import os
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ally.errors import ExtractionError
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted, Passage
from ally.rag.extract.limits import ReadLimits
from ally.rag.extract.opening import read_content
from ally.rag.extract.worker import Worker
from ally.rag.stores.base import FileState

_AHEAD_FILES = 16
_AHEAD_BYTES = 16_000_000
_WATCH_S = 0.25


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file that was read, or, where `state.problem` says so, not. The state is of the very bytes in `document`."""

    state: FileState
    document: Extracted | None = None
    passages: tuple[Passage, ...] = ()


class Reader:
    """Reads files for one `ChunkLimits`; the processes start with the first file and end with the `with` block."""

    def __init__(self, limits: ChunkLimits, allowed: ReadLimits | None = None) -> None:
        self._allowed = allowed or ReadLimits()
        self._workers = [Worker(limits, self._allowed) for _ in range(self._allowed.processes)]
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._pool = ThreadPoolExecutor(self._allowed.processes, "ally-reader")
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._keep_time, name="ally-reader-watch", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def confinement(self) -> list[str]:
        """What is out of reach for a process that runs: `memory`, `network`, `programs`, `files`."""
        return max((worker.confinement for worker in self._workers), key=len)

    @property
    def process_ids(self) -> list[int]:
        """Those that run now."""
        return [worker.process_id for worker in self._workers if worker.process_id]

    def read(self, paths: Iterable[str]) -> Iterator[FileRead]:
        """Each file of `paths` (absolute, as `choose` gave them) in their order, a few of them read ahead.

        Raises:
            KnowledgeError: the reading process does not start at all.
        """
        ahead: deque[tuple[Future[FileRead], int]] = deque()
        waiting_bytes = 0
        if not self._watch.ident:
            self._watch.start()
        try:
            for path in paths:
                size = _size(path)
                while ahead and (len(ahead) >= _AHEAD_FILES or waiting_bytes + size > _AHEAD_BYTES):
                    future, taken = ahead.popleft()
                    waiting_bytes -= taken
                    yield future.result()
                ahead.append((self._pool.submit(self._read_one, path), size))
                waiting_bytes += size
            while ahead:
                yield ahead.popleft()[0].result()
        finally:
            for future, _ in ahead:
                future.cancel()

    def close(self) -> None:
        """End the processes, whatever they do."""
        self._closed.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.stop()
        self._pool.shutdown(wait=True)

    def _keep_time(self) -> None:
        while not self._closed.wait(_WATCH_S):
            for worker in self._workers:
                worker.end_if_overdue()

    def _read_one(self, path: str) -> FileRead:
        try:
            content = read_content(path, self._allowed.file_bytes)
        except ExtractionError as exc:
            return FileRead(_unread(path, exc.message))
        worker = self._idle.get()
        try:
            result = worker.read(Path(path).name, content.data)
        finally:
            self._idle.put(worker)
        state = FileState(path, len(content.data), content.mtime_ns, content.sha256, result.problem)
        return FileRead(state, result.document, result.passages)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _unread(path: str, problem: str) -> FileState:
    """Of a file that could not even be opened, as it looks from outside."""
    try:
        found = os.lstat(path)
    except OSError:
        return FileState(path, 0, 0, "", problem)
    return FileState(path, found.st_size, found.st_mtime_ns, "", problem)
