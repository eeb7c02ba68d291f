"""The process that makes vectors: it gets tokens, one text after the other, and sends each vector when it is ready.

It ends as soon as standard input does, which is also when its parent dies in any way.
"""

import contextlib
import hashlib
import importlib
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import IO, Any

from ally.rag.embeddings.minilm.frames import Answer, Kind, Question, answer, read_question
from ally.rag.embeddings.minilm.network import LENGTH, TOKENS

_AS_A_WHOLE = 0


def main() -> None:
    """`sys.argv`: the network, its SHA-256, the number of threads."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    questions = os.fdopen(os.dup(0), "rb")
    answers = _Answers(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # whatever native code prints is no answer
    if hasattr(os, "nice"):
        os.nice(5)  # what the user does meanwhile comes first
    if sys.platform.startswith("linux"):
        _cut_off()
    network = Path(sys.argv[1])
    try:
        is_sound = _digest(network) == sys.argv[2]
        session = _load(network) if is_sound else None
    except Exception as exc:  # noqa: BLE001 - boundary: the reason goes to the parent
        answers.send(Answer(_AS_A_WHOLE, Kind.FAILED, f"{type(exc).__name__}: {exc}".encode()))
        os._exit(1)
    if session is None:
        answers.send(Answer(_AS_A_WHOLE, Kind.DAMAGED, b""))
        os._exit(1)
    waiting: queue.SimpleQueue[Question] = queue.SimpleQueue()
    for _ in range(int(sys.argv[3])):
        threading.Thread(target=_work, args=(session, waiting, answers), daemon=True).start()
    while one := read_question(questions):
        waiting.put(one)
    os._exit(0)  # an orderly end would wait for what is being worked on


class _Answers:
    """The way back, for several threads."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, one: Answer) -> None:
        with self._lock, contextlib.suppress(OSError):  # the parent is gone, and so will this process be
            self._stream.write(answer(*one))
            self._stream.flush()


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _cut_off() -> None:
    """Give up the network and other programs, for good: vectors are made of what comes through the pipe."""
    from ally.sandbox import seccomp  # late: only for Linux

    code = seccomp.program("none", is_lone=True)
    with contextlib.suppress(OSError, AttributeError):  # an old kernel: nothing here wants the network anyway
        if code is not None:
            seccomp.install(code)


def _load(network: Path) -> Any:  # Any: native code without types
    onnxruntime: Any = importlib.import_module("onnxruntime")  # Any: as above

    onnxruntime.disable_telemetry_events()
    options: Any = onnxruntime.SessionOptions()  # Any: as above
    # Threads for one text each get twice as far as threads that share a text, and need not wait for each other.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])


def _work(session: Any, waiting: "queue.SimpleQueue[Question]", answers: _Answers) -> None:  # Any: as above
    import numpy as np  # heavy

    while True:
        number, raw = waiting.get()
        try:
            tokens = np.frombuffer(raw, "<u2").astype(np.int64)[np.newaxis]
            (found,) = session.run(None, {TOKENS: tokens, LENGTH: np.array([tokens.size], np.int64)})
            answers.send(Answer(number, Kind.VECTOR, found.astype("<f4").tobytes()))
        except Exception as exc:  # noqa: BLE001 - boundary: the reason goes to the parent
            answers.send(Answer(number, Kind.FAILED, f"{type(exc).__name__}: {exc}".encode()))
