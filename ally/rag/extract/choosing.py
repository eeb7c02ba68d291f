"""Which files of the given folders are read, and why the others are not."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ally.permissions.secrets import secret_reason
from ally.rag.extract import names
from ally.rag.extract.kinds import PICTURES, suffix_of
from ally.rag.extract.limits import MAX_FILE_BYTES
from ally.rag.extract.opening import too_large
from ally.storage.ignore import Ignore

_NO_UTF8 = "has a name that is not UTF-8"
IGNORE_FILES = (".gitignore", ".allyignore")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to be read. `path` is absolute and without links."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or a whole folder that is not read. What of its name is no UTF-8 is replaced in `path`.

    `is_closed`: it is a folder that could not be looked into, which says nothing about what is in it.
    """

    path: str
    reason: str
    is_closed: bool = False


def choose(roots: Sequence[Path], home: Path, own_folders: Sequence[Path]) -> Iterator[Candidate | Skipped]:
    """The files in `roots`, which are files or folders, each folder by name; a skipped folder is one entry.

    A root is read although it is hidden, ignored or made by a program, but never what holds secrets or is in Ally's
    `own_folders`. Links in folders are not followed. Whatever cannot be looked at is skipped.
    """
    choice = _Choice(str(home), frozenset(str(_resolved(folder)) for folder in own_folders))
    seen: set[str] = set()
    for root in roots:
        for found in choice.under(root):
            if found.path not in seen:
                seen.add(found.path)
                yield found


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder on the way down, with the rules that hold in it."""

    path: str
    rules: Ignore


@dataclass(slots=True)
class _Choice:
    home: str
    own: frozenset[str]

    def under(self, root: Path) -> Iterator[Candidate | Skipped]:
        path = _resolved(root)
        text = str(path)
        try:
            found = path.lstat()
        except OSError as exc:
            yield Skipped(_shown(str(root)), "is not there" if not os.path.lexists(root) else _cannot_read(exc))
            return
        reason = self._forbidden(text) or secret_reason(root, Path(self.home))
        if reason or not _is_utf8(text):
            yield Skipped(_shown(text), reason or _NO_UTF8)
        elif stat.S_ISDIR(found.st_mode):
            yield from self._walk(_Folder(text, Ignore.at(path, IGNORE_FILES)))
        elif not stat.S_ISREG(found.st_mode):
            yield Skipped(_shown(text), "is no file")
        else:
            yield _weighed(text, path.name, found, is_named=True)

    def _walk(self, top: _Folder) -> Iterator[Candidate | Skipped]:
        waiting: list[Iterator[Candidate | Skipped | _Folder]] = [self._entries(top, is_root=True)]
        while waiting:
            found = next(waiting[-1], None)
            if found is None:
                waiting.pop()
            elif isinstance(found, _Folder):
                waiting.append(self._entries(found))
            else:
                yield found

    def _entries(self, folder: _Folder, *, is_root: bool = False) -> Iterator[Candidate | Skipped | _Folder]:
        try:
            with os.scandir(folder.path) as listing:
                entries = sorted(listing, key=_name)
        except OSError as exc:
            yield Skipped(_shown(folder.path), _cannot_read(exc), is_closed=True)
            return
        beside = {entry.name.lower() for entry in entries}
        if not is_root and (reason := names.marked_folder(beside)):
            yield Skipped(_shown(folder.path), reason)
            return
        rules = folder.rules if is_root else folder.rules.entered(folder.path)
        for entry in entries:
            try:
                yield self._judged(entry, beside, rules)
            except OSError as exc:
                yield Skipped(_shown(entry.path), _cannot_read(exc))

    def _judged(self, entry: "os.DirEntry[str]", beside: set[str], rules: Ignore) -> Candidate | Skipped | _Folder:
        name = entry.name
        is_dir = entry.is_dir(follow_symlinks=False)
        reason = self._left_out(entry, beside, rules, is_dir=is_dir)
        if reason or not _is_utf8(name):
            return Skipped(_shown(entry.path), reason or _NO_UTF8)
        if is_dir:
            return _Folder(entry.path, rules.below(name))
        return _weighed(entry.path, name, entry.stat(follow_symlinks=False))

    def _left_out(self, entry: "os.DirEntry[str]", beside: set[str], rules: Ignore, *, is_dir: bool) -> str:
        name = entry.name
        if entry.is_symlink():
            return "is a link"
        if not is_dir and not entry.is_file(follow_symlinks=False):
            return "is no file"
        if reason := self._forbidden(entry.path):
            return reason
        if file := rules.left_out_by(name, is_dir=is_dir):
            return f"is left out by {file}"
        if reason := names.made_folder(name, beside) if is_dir else names.made_file(name):
            return reason
        return "is hidden" if name.startswith(".") else ""

    def _forbidden(self, path: str) -> str:
        """Why it is not read even if it is asked for by name."""
        if path in self.own or any(path.startswith(folder + os.sep) for folder in self.own):
            return "belongs to Ally"
        return secret_reason(Path(path), Path(self.home))


def _weighed(path: str, name: str, found: os.stat_result, *, is_named: bool = False) -> Candidate | Skipped:
    is_wanted = is_named and suffix_of(name) in PICTURES
    if not is_wanted and (reason := names.without_text(name)):
        return Skipped(path, reason)
    if found.st_size == 0:
        return Skipped(path, "is empty")
    if found.st_size > MAX_FILE_BYTES:
        return Skipped(path, too_large(MAX_FILE_BYTES))
    return Candidate(path, found.st_size, found.st_mtime_ns)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links is either, by the version of Python
        return path.absolute()


def _name(entry: "os.DirEntry[str]") -> str:
    return entry.name


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: str) -> str:
    return path.encode(errors="surrogateescape").decode(errors="replace")


def _cannot_read(exc: OSError) -> str:
    return f"cannot be read: {exc.strerror or exc}"
