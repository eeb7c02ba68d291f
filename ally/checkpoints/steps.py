"""What is written down about one session: its steps, the captures that are open, an undo that is under way.

Everything a killed process left half-done is a file in `open/` whose lock nobody holds.
"""

import contextlib
import os
import secrets
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from ally.checkpoints.locks import Hold
from ally.checkpoints.node import Delta, Tops
from ally.checkpoints.scan import Snapshot


class Step(Struct):
    """What the calls after one user message changed. `at` is in seconds since 1970.

    `undone` is what an undo did to it, None while it is in force; `captures` are those that are in it already.
    """

    session: str
    number: int
    label: str
    at: float
    deltas: list[Delta] = []
    captures: list[str] = []
    undone: list[Delta] | None = None
    is_uncertain: bool = False


class OpenCapture(Struct, tag="capture"):
    """A call that may be running, and what was there before it."""

    id: str
    session: str
    label: str
    number: int | None
    tops: Tops
    before: Snapshot


class OpenRevert(Struct, tag="revert"):
    """An undo or redo that may be under way: each path as it was found, and as it shall be."""

    session: str
    number: int
    is_undo: bool
    token: str
    planned: list[Delta]


Open = OpenCapture | OpenRevert


class Steps:
    """The files of one root. Who changes a step holds the lock of the root."""

    def __init__(self, folder: Path) -> None:
        self._steps = folder / "steps"
        self._open = folder / "open"

    def list(self, session: str) -> Sequence[Step]:
        """The steps of a session, oldest first; one that cannot be read is left out."""
        found = [step for file in _names(self._folder(session)) if (step := read_step(file))]
        return sorted(found, key=lambda step: step.number)

    def get(self, session: str, number: int) -> Step | None:
        """One step, if it is there and readable."""
        return read_step(self._file(session, number))

    def next_number(self, session: str) -> int:
        """The number after the last one, readable or not."""
        return 1 + max((int(file.name) for file in _names(self._folder(session))), default=0)

    def save(self, step: Step) -> None:
        """Write it whole or not at all."""
        replace(self._file(step.session, step.number), msgspec.msgpack.encode(step))

    def remove(self, step: Step) -> None:
        """Nothing is left of it."""
        self._file(step.session, step.number).unlink(missing_ok=True)

    def of_others(self, session: str, since: float) -> Iterator[Step]:
        """Steps of other sessions that were written since then."""
        mine = self._folder(session)
        for folder in _entries(self._steps):
            if folder != mine:
                for file in _names(folder):
                    with contextlib.suppress(OSError):
                        if file.stat().st_mtime >= since - 1 and (step := read_step(file)):
                            yield step

    def open(self, record: Open) -> tuple[Path, Hold]:
        """Write down that it began; it counts as alive until the hold is closed."""
        self._open.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._open / f"{time.time_ns():020d}-{secrets.token_hex(6)}"
        temporary = file.with_suffix(".tmp")
        hold = Hold(temporary)
        temporary.write_bytes(msgspec.msgpack.encode(record))
        temporary.rename(file)
        return file, hold

    def dead(self) -> Iterator[tuple[Path, Open]]:
        """What processes that died have left, oldest first; what cannot be read is removed."""
        for file in sorted(_entries(self._open)):
            hold = None if file.suffix else _hold_dead(file)
            if hold is None:
                continue
            try:
                record = read_open(file)
                if record is None:
                    file.unlink(missing_ok=True)
                else:
                    yield file, record
            finally:
                hold.close()

    def _folder(self, session: str) -> Path:
        return self._steps / (urllib.parse.quote(session, safe="")[:200] or "-")

    def _file(self, session: str, number: int) -> Path:
        return self._folder(session) / f"{number:08d}"


def read_step(file: Path) -> Step | None:
    """A step, None if it cannot be read."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.msgpack.decode(file.read_bytes(), type=Step)
    return None


def read_open(file: Path) -> Open | None:
    """What was begun, None if it cannot be read."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.msgpack.decode(file.read_bytes(), type=Open)
    return None


def replace(file: Path, data: bytes) -> None:
    """Write a file whole or not at all. Not synced: what is recorded here must survive a kill, not a power cut."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{secrets.token_hex(4)}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as target:
            target.write(data)
        temporary.rename(file)
    except BaseException:  # an interrupt too must not leave the temporary file behind
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def merge_deltas(deltas: list[Delta], new: Sequence[Delta]) -> list[Delta]:
    """The changes of a step with those of one more call; what was changed and changed back vanishes.

    Where somebody else changed a path in between, both changes stay, in order, so that an undo leaves theirs alone.
    """
    last = {delta.path: position for position, delta in enumerate(deltas)}
    joined: list[Delta | None] = [*deltas]
    for delta in new:
        position = last.get(delta.path)
        before = joined[position] if position is not None else None
        if position is None or before is None or before.after != delta.before:
            last[delta.path] = len(joined)
            joined.append(delta)
        elif before.before == delta.after:
            joined[position] = None
        else:
            is_exact = before.is_exact and delta.is_exact
            joined[position] = Delta(delta.path, before.before, delta.after, is_exact)
    return [delta for delta in joined if delta is not None]


def _hold_dead(file: Path) -> Hold | None:
    try:
        hold = Hold(file, is_existing=True)
    except OSError:  # removed meanwhile by its owner
        return None
    if hold.is_held and file.exists():
        return hold
    hold.close()
    return None


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _names(folder: Path) -> list[Path]:
    return [file for file in _entries(folder) if file.name.isdecimal()]
