"""Looking at a folder: what is there, with the contents that are new put into the store.

A file whose size, times, inode and mode are as before is not read again. One that was changed within the last two
seconds is always read, because its times may not tell a second change within one tick of the clock.
"""

import contextlib
import os
import stat
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import basename, dirname, join

from msgspec import Struct

from ally.checkpoints.blobs import Blobs
from ally.checkpoints.heavy import CACHES, HEAVY, Leaver
from ally.checkpoints.node import Delta, Node, Tops, fingerprint, plain_node
from ally.checkpoints.reading import Index, Seen, read_node
from ally.errors import StorageError
from ally.storage.ignore import Ignore
from ally.storage.marks import is_marked

MAX_ENTRIES = 200_000
WALK_S = 15.0
READ_S = 20.0
MAX_NEW_BYTES = 768 * 1024 * 1024


_MADE_AGAIN = "it is a folder that tools make again"
_IGNORED = "it is a large folder that .gitignore leaves out"
_ELSEWHERE = "it is on another file system"


class TooMuch(Exception):
    """The folder is too large to be looked at before every command."""


class Snapshot(Struct):
    """What was there. Of the folders in `partial` it is not known what else they held."""

    nodes: dict[bytes, Node]
    partial: set[bytes] = set()
    unstored: int = 0

    def knows(self, path: bytes) -> bool:
        """Whether the absence of `path` means that it was not there."""
        if self.partial:
            while path:
                path = dirname(path)
                if path in self.partial:
                    return False
                if path == b"/":
                    break
        return True


def compare(before: Snapshot, after: Snapshot, *, is_exact: bool) -> list[Delta]:
    """What changed between two looks at the same paths; nothing is claimed of what one of them could not see."""
    found: list[Delta] = []
    for path, was in before.nodes.items():
        now = after.nodes.get(path)
        if now is not was and now != was and (now is not None or after.knows(path)):
            found.append(Delta(path, was, now, is_exact))
    for path, now in after.nodes.items():
        if path not in before.nodes and before.knows(path):
            found.append(Delta(path, None, now, is_exact))
    return sorted(found, key=lambda delta: delta.path)


@dataclass(slots=True)
class Scanner:
    """Looks at the paths of one capture.

    `like` is the snapshot before the call: a folder that was stored then is stored now, and one that was not is not.
    What stands in `own` is not there.
    """

    root: bytes
    blobs: Blobs
    index: Index
    stop: threading.Event
    like: Snapshot | None = None
    max_entries: int = MAX_ENTRIES
    own: frozenset[bytes] = frozenset()
    read_count: int = 0
    fresh: Index = field(default_factory=dict[bytes, Seen])
    _nodes: dict[bytes, Node] = field(default_factory=dict[bytes, Node])
    _partial: set[bytes] = field(default_factory=set[bytes])
    _unread: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    _leaver: Leaver = field(default_factory=Leaver)
    _covered: set[bytes] | None = None
    _device: int = 0
    _until: float = 0.0

    def scan(self, tops: Tops) -> Snapshot:
        """Everything at the paths. New contents are in the store, not committed; `fresh` is the index of now.

        Raises:
            TooMuch: there are too many entries, or listing them takes too long.
            StorageError: it was stopped.
        """
        self._until = time.monotonic() + WALK_S
        if tops.is_root:
            with contextlib.suppress(FileNotFoundError):  # a command may delete even that
                self._device = os.lstat(self.root).st_dev
                self._walk(b"", Ignore.at(Path(os.fsdecode(self.root))))
        for name in tops.whole:
            self._top(name, is_whole=True)
        for name in tops.shallow:
            self._top(name, is_whole=False)
        return Snapshot(self._nodes, self._partial, self._read_all())

    def _top(self, name: bytes, *, is_whole: bool) -> None:
        path = join(self.root, name)
        try:
            found = os.lstat(path)
        except OSError:  # nothing there, or nothing to be seen
            return
        self._device = found.st_dev
        if stat.S_ISDIR(found.st_mode):
            mode = stat.S_IMODE(found.st_mode)
            self._nodes[name] = Node("folder", mode)
            base = basename(name)
            if is_whole and base in HEAVY | CACHES:
                self._nodes[name] = self._leaver.node(path, mode, _MADE_AGAIN)
            elif is_whole:
                self._walk(name, None)
        else:
            self._add(name, path, found)

    def _walk(self, top: bytes, rules: Ignore | None) -> None:
        waiting: list[tuple[bytes, Ignore | None]] = [(top, rules)]
        while waiting:
            folder, rules = waiting.pop()
            self._check()
            path = join(self.root, folder) if folder else self.root
            try:
                with os.scandir(path) as listing:
                    entries = list(listing)
            except (FileNotFoundError, NotADirectoryError):
                self._nodes.pop(folder, None)
                continue
            except OSError:  # unreadable, too deep, or a failing disk: what is in it stays unknown
                self._partial.add(folder)
                continue
            names = {entry.name for entry in entries}
            if folder and self._leaver.is_heavy(path, names) and not self._was_stored(folder):
                self._nodes[folder] = self._leaver.node(path, self._nodes[folder].mode, _MADE_AGAIN)
                continue
            if rules and b".gitignore" in names:
                rules = rules.entered(os.fsdecode(path))
            self._list(folder, entries, rules, waiting)

    def _list(
        self,
        folder: bytes,
        entries: list[os.DirEntry[bytes]],
        rules: Ignore | None,
        waiting: list[tuple[bytes, Ignore | None]],
    ) -> None:
        prefix = folder + b"/" if folder else b""
        if len(self._nodes) + len(entries) > self.max_entries:
            raise TooMuch
        for entry in entries:
            path = prefix + entry.name
            if entry.path in self.own:
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:  # gone meanwhile
                continue
            if is_marked(found):  # a job in the background needs it
                continue
            if stat.S_ISDIR(found.st_mode):
                self._enter(path, entry, found, (rules, waiting))
            else:
                self._add(path, entry.path, found)

    def _enter(
        self,
        path: bytes,
        entry: os.DirEntry[bytes],
        found: os.stat_result,
        way: tuple[Ignore | None, list[tuple[bytes, Ignore | None]]],
    ) -> None:
        if entry.name in CACHES:
            return
        rules, waiting = way
        mode = stat.S_IMODE(found.st_mode)
        if found.st_dev != self._device:
            self._nodes[path] = Node("heavy", mode, b"", unstored=_ELSEWHERE)
            return
        name = os.fsdecode(entry.name)
        why = ""
        if entry.name in HEAVY:
            why = _MADE_AGAIN
        elif self.like is not None and (was := self.like.nodes.get(path)) and was.kind == "heavy":
            why = was.unstored
        elif rules and rules.is_ignored(name, is_dir=True) and not self._was_stored(path):
            why = "" if self._leaver.is_small(entry.path) else _IGNORED
        if why:
            self._nodes[path] = self._leaver.node(entry.path, mode, why)
            return
        self._nodes[path] = Node("folder", mode)
        waiting.append((path, rules.below(name) if rules else None))

    def _was_stored(self, folder: bytes) -> bool:
        """Whether its files were stored before: what is covered stays covered, whatever is put beside it."""
        if self.like is not None and (was := self.like.nodes.get(folder)):
            return was.kind == "folder"
        if self._covered is None:
            self._covered = {dirname(path) for path in self.index}
        return folder in self._covered

    def _check(self) -> None:
        if self.stop.is_set():
            raise StorageError(Path(os.fsdecode(self.root)), "The snapshot before the call was stopped.")
        if time.monotonic() > self._until:
            raise TooMuch

    def _add(self, name: bytes, path: bytes, found: os.stat_result) -> None:
        if stat.S_ISREG(found.st_mode):
            seen = self.index.get(name)
            if (
                seen is not None
                and seen.mtime_ns == found.st_mtime_ns
                and seen.ctime_ns == found.st_ctime_ns
                and seen.inode == found.st_ino
                and seen.node.size == found.st_size
            ):
                self._nodes[name] = seen.node
                self.fresh[name] = seen
                return
            was = self.like.nodes.get(name) if self.like else None
            if was is not None and was.unstored and was.content == fingerprint(found):
                self._nodes[name] = was
            else:
                self._unread.append((found.st_size, name))
        elif stat.S_ISLNK(found.st_mode):
            with contextlib.suppress(OSError):
                self._nodes[name] = plain_node(found, os.readlink(path))  # noqa: PTH115 - bytes
        else:
            self._nodes[name] = plain_node(found)

    def _read_all(self) -> int:
        """Store the contents that are new, small ones first; returns how many could not be stored."""
        until = time.monotonic() + READ_S
        left = MAX_NEW_BYTES
        unstored = 0
        for size, name in sorted(self._unread):
            if self.stop.is_set():
                self._check()
            why = ""
            if self.like is None or name not in self.like.nodes:  # what was stored before is compared in any case
                why = "it was not read in time" if time.monotonic() > until else ""
                why = why or ("there was too much to store at once" if size > left else "")
            seen = read_node(join(self.root, name), self.blobs, why)
            if seen is None:
                continue
            self.read_count += 1
            left -= size
            unstored += bool(seen.node.unstored)
            self._nodes[name] = seen.node
            if not seen.node.unstored:
                self.fresh[name] = seen
        return unstored
