"""The embedder that needs nothing but two Python packages."""

import contextlib
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from ally.egress.location import Location
from ally.errors import BadRequest, ContextTooLong, ModelFileError
from ally.models.memory import cores
from ally.rag.embeddings.base import TextKind
from ally.rag.embeddings.counting import read_wordpiece, wordpiece
from ally.rag.embeddings.minilm.files import (
    EDITION,
    MODEL,
    VOCABULARY,
    WEIGHTS_SHA256,
    check_there,
    find_files,
    find_weights,
    make_files,
)
from ally.rag.embeddings.minilm.network import DIM
from ally.rag.embeddings.minilm.process import DamagedNetworkError, VectorProcess
from ally.rag.embeddings.wordpiece import WordPiece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_THREADS = 8
"""Each takes some 8 MB."""
_IDLE_S = 180.0
"""The process takes 90 to 150 MB, and half a second to start (2026-11-23)."""


class MiniLM:
    """`Embedder` with all-MiniLM-L6-v2. Nothing is loaded, made or started before the first text.

    `models` is the folder for what is made of the weights. The process that makes vectors ends when nothing was asked
    of it for `idle_s` seconds; the next text starts another.

    Raises:
        MissingPackage: a package that it needs is not installed.
    """

    provider = "local"
    model = MODEL
    fingerprint = f"local/{MODEL}/{WEIGHTS_SHA256[:8]}-{EDITION}"
    max_tokens = 256
    location: Location = "local"

    def __init__(self, models: Path, idle_s: float = _IDLE_S) -> None:
        check_there(models)
        self._models = models
        self._idle_s = idle_s
        self._using = 0
        self._rest: threading.Timer | None = None
        self._threads = min(cores(), _MOST_THREADS)
        self._tokenizer: WordPiece | None = None
        self._process: VectorProcess | None = None
        self._lock = threading.Lock()

    @property
    def counter(self) -> str:
        """Counts exactly what the model reads."""
        return wordpiece(self._vocabulary())

    @property
    def process_id(self) -> int:
        """0 while no process makes vectors."""
        process = self._process
        return process.pid if process and process.alive else 0

    def embed(self, texts: Sequence[str], kind: TextKind) -> "NDArray[np.float32]":
        """As the port says; this model does not care for `kind`."""
        import numpy as np  # heavy

        tokens = self._tokens(texts)
        vectors = np.empty((len(texts), DIM), np.float32)
        with self._in_use():
            try:
                self._fill(vectors, tokens)
            except DamagedNetworkError:
                make_files(self._models, anew=True)
                self._refill(vectors, tokens)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0.5).all()):
            raise ModelFileError(f"{MODEL} gave vectors without a direction.", model=MODEL, hint="update onnxruntime")
        return vectors / lengths

    def close(self) -> None:
        """End the process; the next text would start another."""
        with self._lock:
            self._stop()

    @contextlib.contextmanager
    def _in_use(self) -> Generator[None]:
        """The process is needed; when nobody needs it any more, its time to rest begins."""
        with self._lock:
            self._using += 1
            self._forget_rest()
        try:
            yield
        finally:
            with self._lock:
                self._using -= 1
                self._forget_rest()
                if not self._using:
                    self._rest = threading.Timer(self._idle_s, self._stop_idle)
                    self._rest.daemon = True
                    self._rest.start()

    def _stop_idle(self) -> None:
        with self._lock:
            if not self._using and self._rest is threading.current_thread():
                self._stop()

    def _stop(self) -> None:
        self._forget_rest()
        if self._process is not None:
            self._process.close()
            self._process = None

    def _forget_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts or not all(texts):
            raise BadRequest("There is no text to make a vector of.", provider=self.provider, model=MODEL)
        if self._tokenizer is None:
            self._tokenizer = self._read_vocabulary()
        tokens = [self._tokenizer.ids(text) for text in texts]
        longest = max(tokens, key=len)
        if len(longest) > self.max_tokens:
            raise ContextTooLong(
                f"A text has {len(longest):,} tokens, and {MODEL} reads {self.max_tokens}.",
                limit_tokens=self.max_tokens,
                provider=self.provider,
                model=MODEL,
                hint="set knowledge.chunk_tokens lower, or choose a model that reads more",
            )
        return tokens

    def _fill(self, vectors: "NDArray[np.float32]", tokens: Sequence[Sequence[int]]) -> None:
        """The longest text first, so that all threads end together; few ahead, so that a question is soon at turn."""
        import numpy as np  # heavy

        process = self._started()
        waiting: deque[tuple[int, Future[bytes]]] = deque()
        for position in sorted(range(len(tokens)), key=lambda one: -len(tokens[one])):
            if len(waiting) >= 2 * self._threads:
                done, future = waiting.popleft()
                vectors[done] = np.frombuffer(future.result(), "<f4")
            waiting.append((position, process.ask(tokens[position])))
        for done, future in waiting:
            vectors[done] = np.frombuffer(future.result(), "<f4")

    def _refill(self, vectors: "NDArray[np.float32]", tokens: Sequence[Sequence[int]]) -> None:
        try:
            self._fill(vectors, tokens)
        except DamagedNetworkError:
            raise ModelFileError(
                f"{self._models} does not keep what is written into it.", model=MODEL, hint="check the disk"
            ) from None

    def _started(self) -> VectorProcess:
        with self._lock:
            if self._process is None or not self._process.alive:
                self._process = VectorProcess(make_files(self._models), self._threads)
            return self._process

    def _vocabulary(self) -> Path:
        made = find_files(self._models)
        weights = None if made else find_weights()
        return made.vocabulary if made else weights / VOCABULARY if weights else make_files(self._models).vocabulary

    def _read_vocabulary(self) -> WordPiece:
        file = self._vocabulary()
        try:
            return read_wordpiece(file)
        except (OSError, ValueError) as exc:
            raise ModelFileError(f"{file} cannot be used: {exc}", model=MODEL) from exc
