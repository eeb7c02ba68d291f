"""The process that reads files: it gets their bytes, and sends back text and passages.

What parses files of unknown makers runs here only, confined, and may crash, hang or eat memory without harm.
"""

import ctypes
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import IO, NoReturn, Protocol, cast

import msgspec

from ally.errors import ExtractionError
from ally.rag.chunking import chunk
from ally.rag.document import Extracted
from ally.rag.embeddings.counting import load_counter
from ally.rag.extract.confinement import confine, grant_cpu
from ally.rag.extract.frames import Job, Ready, Result, Setup, pack, receive, receive_exactly
from ally.rag.extract.soundness import made_sound

_PACKAGE = "ally.rag.extract.formats."
_FIRST = ("text", "markdown", "code")
_MESSAGE_BYTES = 1_000_000
_DIE_WITH_PARENT = 1  # of prctl


class _Format(Protocol):
    def extract(self, data: bytes, name: str) -> Extracted:
        """Every module of `formats` has it."""
        ...


def main(parent: int) -> None:
    """Serve the process `parent` until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    _die_with(parent)
    jobs = os.fdopen(os.dup(0), "rb", buffering=1 << 16)
    results = os.fdopen(os.dup(1), "wb", buffering=0)
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)  # whatever a parser prints
    setup = msgspec.msgpack.decode(receive(jobs, _MESSAGE_BYTES), type=Setup)
    try:
        load_counter(setup.limits.counter)
        for name in _FIRST:
            _load(name)
        ready = Ready(confine(setup.readable, setup.memory_bytes))
    except Exception as exc:  # noqa: BLE001 - boundary: the reason goes to the parent
        ready = Ready([], f"{type(exc).__name__}: {exc}")
    _send(results, ready)
    sys.dont_write_bytecode = True  # it could not
    if ready.problem:
        _leave()
    _serve(jobs, results, setup)


def _serve(jobs: IO[bytes], results: IO[bytes], setup: Setup) -> NoReturn:
    decoder = msgspec.msgpack.Decoder(Job)
    while True:
        try:
            job = decoder.decode(receive(jobs, _MESSAGE_BYTES))
            grant_cpu(job.cpu_s)
            result = _read(job, jobs, setup)
            _send(results, result)
            del result  # or it stays in memory while the next file is read
        except MemoryError:
            _leave()  # the parent says what that means
        except (EOFError, OSError):
            _leave()


def _read(job: Job, jobs: IO[bytes], setup: Setup) -> Result:
    data = receive_exactly(jobs, job.size)
    try:
        document = _extract(job, data, setup.text_chars)
        return Result(document, tuple(chunk(document, setup.limits)))
    except ExtractionError as exc:
        return Result(problem=exc.message)
    except MemoryError:
        return Result(problem=f"needs more than {setup.memory_bytes // 1_000_000} MB", is_worn=True)
    except RecursionError:
        return Result(problem="is nested too deeply")
    except ModuleNotFoundError as exc:
        return Result(problem=f"needs the package {exc.name}, which is not installed")
    except Exception as exc:  # noqa: BLE001 - boundary: a parser met what it did not expect
        return Result(problem=f"could not be read: {type(exc).__name__}: {exc}"[:300])


def _extract(job: Job, data: bytes, most_chars: int) -> Extracted:
    document = made_sound(_load(job.module).extract(data, job.name))
    if not document.text.strip():
        raise ExtractionError(Path(job.name), ": ".join(["holds no text", *document.notes]))
    if len(document.text) > most_chars:
        raise ExtractionError(Path(job.name), f"holds more than {most_chars:,} characters")
    return document


def _load(module: str) -> _Format:
    if not module.isidentifier():
        raise ValueError(module)
    return cast(_Format, importlib.import_module(_PACKAGE + module))


def _send(results: IO[bytes], message: msgspec.Struct) -> None:
    rest = memoryview(pack(message))
    while rest:
        rest = rest[results.write(rest) :]


def _die_with(parent: int) -> None:
    """End when `parent` does, even in the middle of a file; elsewhere than on Linux, at the end of that file."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            _leave()


def _leave() -> NoReturn:
    os._exit(0)
