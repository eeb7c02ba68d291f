"""What an engine found in a batch of files."""

import os
import re
import selectors
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ally.tools.engines import Engine, environment
from ally.tools.line_search import BINARY_HEAD, is_binary

MAX_BATCH_BYTES = 200_000
"""Of names on one command line; systems take at least 256 kB."""
MAX_OUTPUT_BYTES = 8_000_000
"""Of one batch; far more than is ever shown."""
MAX_WIDTH = 300
"""Characters of a line that are shown."""
_TICK_S = 0.05
_CHUNK_BYTES = 1 << 16
_LINE = re.compile(rb"([^\0]+)\0(\d+)([:-])(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: a match, or around one."""

    number: int
    is_match: bool
    text: str


@dataclass(slots=True)
class Batch:
    """What was found: lines by file in the order of the files, and how many files could not be read."""

    lines: dict[str, list[Line]] = field(default_factory=dict[str, list[Line]])
    unreadable: int = 0
    is_whole: bool = True


def batches(paths: Sequence[str]) -> list[list[str]]:
    """The files in portions that fit on a command line."""
    portions: list[list[str]] = []
    room = 0
    for path in paths:
        size = len(_raw(path)) + 3
        if not portions or size > room:
            portions.append([])
            room = MAX_BATCH_BYTES
        portions[-1].append(path)
        room -= size
    return portions


def search(engine: Engine, folder: Path, paths: Sequence[str], stop: Callable[[], bool]) -> Batch:
    """Search the files `paths`, which are relative to `folder`; the engine is ended soon after `stop()` is true.

    Raises:
        OSError: the engine cannot be started.
    """
    with subprocess.Popen(
        [*engine.start, *(f"./{path}" for path in paths)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            output, unreadable, is_whole = _read(process, stop)
        finally:
            process.kill()
    return Batch(_sorted(output, folder, paths), unreadable, is_whole)


def _read(process: subprocess.Popen[bytes], stop: Callable[[], bool]) -> tuple[bytes, int, bool]:
    """What it prints, how many lines of complaints, and whether that is all."""
    assert process.stdout and process.stderr  # noqa: S101 - both are pipes
    output, complaints = bytearray(), 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.register(process.stderr, selectors.EVENT_READ)
        while selector.get_map():
            if stop() or len(output) > MAX_OUTPUT_BYTES:
                return bytes(output), complaints, False
            for key, _ in selector.select(_TICK_S):
                data = os.read(key.fd, _CHUNK_BYTES)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    output += data
                else:
                    complaints += data.count(b"\n")
    return bytes(output), complaints, True


def _sorted(output: bytes, folder: Path, paths: Sequence[str]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    odd = {path.replace("\n", "\1"): path for path in paths if "\n" in path}  # one line of output is one result
    for name, path in odd.items():
        output = output.replace(_raw(path) + b"\0", _raw(name) + b"\0")
    for raw in output.split(b"\n"):
        if parts := _LINE.fullmatch(raw):
            path = parts[1].decode("utf-8", "surrogateescape").removeprefix("./")
            path = odd.get(path, path)
            text = parts[4].decode("utf-8", "replace").removesuffix("\r")
            found.setdefault(path, []).append(Line(int(parts[2]), parts[3] == b":", _cut(text)))
    return {path: found[path] for path in paths if path in found and not _is_binary(folder / path)}


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_WIDTH else f"{text[:MAX_WIDTH]}…"


def _is_binary(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_binary(file.read(BINARY_HEAD))
    except OSError:
        return True
