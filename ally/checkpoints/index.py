"""What was read already, kept from one process to the next."""

import contextlib
import os
from pathlib import Path

import msgspec

from ally.checkpoints.reading import Index
from ally.checkpoints.steps import replace

_NAME = "index"


def load_index(folder: Path) -> Index:
    """The files that were read; nothing if it cannot be told."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.msgpack.decode((folder / _NAME).read_bytes(), type=Index)
    return {}


def save_index(folder: Path, index: Index) -> None:
    """Keep it for the next process; losing it costs time only."""
    with contextlib.suppress(OSError):
        replace(folder / _NAME, msgspec.msgpack.encode(index))


def touch_index(folder: Path) -> None:
    """Note that it is in use."""
    with contextlib.suppress(OSError):
        os.utime(folder / _NAME)


def last_used(folder: Path) -> float:
    """When the index was last in use, in seconds since 1970; 0 if there is none."""
    try:
        return (folder / _NAME).stat().st_mtime
    except OSError:
        return 0.0
