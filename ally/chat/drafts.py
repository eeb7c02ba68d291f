"""What is written and not sent, by folder, kept until it is."""

import contextlib
import hashlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ally.errors import StorageError
from ally.storage.atomic import write_atomic
from ally.storage.lock import locked

FOLDER = "drafts"
"""Its name in the state folder."""
MAX_AGE_S = 30 * 86_400
"""A draft that nobody came back to for so long is removed."""

_MAX_BYTES = 50_000_000
_MAX_CHATS = 16


class Draft(msgspec.Struct, frozen=True):
    """A text as it stood in the composer; `meant` is what the short marks in it stand for."""

    text: str
    meant: dict[str, str] = {}


@dataclass(slots=True)
class Drafts:
    """The draft of one chat. Each chat in a folder has its own file and holds its lock, so that none overwrites
    another's; a chat that starts takes over the newest draft that no living chat holds."""

    file: Path
    _held: contextlib.ExitStack
    _saved: Draft | None = None
    _is_closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def claim(cls, state: Path, folder: Path) -> "Drafts | None":
        """The draft for a new chat in `folder`; None where none can be kept."""
        place = state / FOLDER
        key = hashlib.sha256(os.fsencode(folder)).hexdigest()[:24]
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            _tidy(place)
            held = _free(place, key)
        except OSError:
            return None
        if not held:
            return None
        chosen = max(held, key=_written_at)
        for file, lock in held.items():
            if file != chosen:
                lock.close()
        return cls(chosen, held[chosen])

    def load(self) -> Draft | None:
        """What was left here; None if nothing was, or it cannot be read."""
        try:
            if self.file.stat().st_size > _MAX_BYTES:
                return None
            draft = msgspec.json.decode(self.file.read_bytes(), type=Draft)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        self._saved = draft
        return draft

    def save(self, draft: Draft) -> None:
        """Keep it until it is sent; a blank one is removed. In any thread; after `close` it does nothing.

        Raises:
            StorageError: it cannot be written.
        """
        with self._lock:
            if not self._is_closed:
                self._save(draft)

    def close(self, draft: Draft | None = None) -> None:
        """Leave what is kept, at last `draft`, to the next chat in this folder.

        Raises:
            StorageError: it cannot be written; it is left all the same.
        """
        with self._lock, self._held:
            if draft is not None and not self._is_closed:
                self._is_closed = True
                self._save(draft)
            self._is_closed = True

    def _save(self, draft: Draft) -> None:
        if not draft.text.strip():
            self._saved = None
            with contextlib.suppress(OSError):
                self.file.unlink()
        elif draft != self._saved:
            data = msgspec.json.encode(draft)
            if len(data) > _MAX_BYTES:
                raise StorageError(self.file, "The draft is too large to be kept.")
            write_atomic(self.file, data)
            self._saved = draft


def _free(place: Path, key: str) -> dict[Path, contextlib.ExitStack]:
    """The files of this folder that no living chat holds, each with its lock held: used ones, else one more."""
    held: dict[Path, contextlib.ExitStack] = {}
    for number in range(_MAX_CHATS):
        file = place / f"{key}.{number}.json"
        if held and not file.exists():
            continue
        with contextlib.suppress(TimeoutError), contextlib.ExitStack() as stack:
            stack.enter_context(locked(file.with_suffix(".lock"), timeout_s=0))
            held[file] = stack.pop_all()
    return held


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _tidy(place: Path) -> None:
    """Remove what is old; locks stay, since removing one would let two chats in."""
    oldest = time.time() - MAX_AGE_S
    for file in place.glob("*.json"):
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < oldest:
                file.unlink()
