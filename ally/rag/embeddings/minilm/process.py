"""Ally's side of the process that makes vectors."""

import contextlib
import os
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import IO

from ally.errors import ModelFileError
from ally.rag.embeddings.minilm import spawning
from ally.rag.embeddings.minilm.files import MODEL, ModelFiles
from ally.rag.embeddings.minilm.frames import Answer, Kind, question, read_answer


class DamagedNetworkError(Exception):
    """The file of the network is not what was written."""


class VectorProcess:
    """One child process with the model; threads may share it. It loads while questions wait in its pipe."""

    def __init__(self, files: ModelFiles, threads: int) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            spawning.command("ally.rag.embeddings.minilm.host", str(files.network), files.sha256, str(threads)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
            **spawning.surroundings(),
        )
        self._asked: dict[int, Future[bytes]] = {}
        self._number = 0
        self._end: Exception | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="ally-vectors", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._end is None and self._process.poll() is None

    def ask(self, tokens: Sequence[int]) -> Future[bytes]:
        """The vector of one text as float32, when it is ready.

        The future may fail with a ModelFileError that says what went wrong, or with DamagedNetworkError.
        """
        future: Future[bytes] = Future()
        with self._lock:
            if self._end is not None:
                future.set_exception(self._end)
                return future
            self._number += 1
            number = self._number
            self._asked[number] = future
            with contextlib.suppress(OSError):  # it is gone; the thread that listens finds out why
                _pipe(self._process.stdin).write(question(number, tokens))
        return future

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._is_closed = True
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        with open(_pipe(self._process.stdout).fileno(), "rb", closefd=False) as answers:
            told: Answer | None = None
            while one := read_answer(answers):
                if one.number == 0:
                    told = one
                else:
                    self._settle(one)
        error = self._failure(told)
        with self._lock:
            self._end = error
            left, self._asked = list(self._asked.values()), {}
        for future in left:
            future.set_exception(error)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        self._log.close()

    def _settle(self, one: Answer) -> None:
        with self._lock:
            future = self._asked.pop(one.number, None)
        if future is None:
            return
        if one.kind is Kind.VECTOR:
            future.set_result(one.content)
        else:
            words = one.content.decode("utf-8", "replace")
            future.set_exception(ModelFileError(f"{MODEL} made no vector of a text: {words}", model=MODEL))

    def _failure(self, told: Answer | None) -> Exception:
        code = self._process.wait()
        if told is not None and told.kind is Kind.DAMAGED:
            return DamagedNetworkError()
        if told is not None:
            words = told.content.decode("utf-8", "replace")
            return ModelFileError(
                f"{MODEL} could not be loaded: {words}", model=MODEL, hint="pip install --upgrade onnxruntime may help"
            )
        if self._is_closed:
            return ModelFileError("The process that makes vectors was closed.", model=MODEL)
        words = self._last_words()
        if code == -9:
            how = "was ended by signal 9; the system may have run out of memory"
        else:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return ModelFileError(
            f"The process that makes vectors {how}{f': {words}' if words else ''}.",
            model=MODEL,
            hint="try again: it starts anew, and what was done before is kept",
        )

    def _last_words(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            size = os.fstat(self._log.fileno()).st_size
            self._log.seek(max(0, size - 2000))
            lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
            return lines[-1].rstrip(".") if lines else ""
        return ""


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("the process has no pipe")
    return pipe
