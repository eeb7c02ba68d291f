"""What of the files is not in the collection as it is on disk."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ally.rag.extract.choosing import Candidate, Skipped
from ally.rag.stores.base import FileState

_BLOCK_BYTES = 1 << 20


@dataclass(slots=True)
class Changes:
    """Paths are absolute. `moved` pairs the old path with the state of the file at its new place.

    `left_out` and `skipped_before` pair paths with reasons; of the first `newly_left_out` were not known as such.
    `closed` are the folders that cannot be looked into and of which files were read: perhaps they can be again.
    """

    to_read: list[str] = field(default_factory=list[str])
    known: set[str] = field(default_factory=set[str])
    moved: list[tuple[str, FileState]] = field(default_factory=list[tuple[str, FileState]])
    gone: list[str] = field(default_factory=list[str])
    unchanged: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    newly_left_out: list[FileState] = field(default_factory=list[FileState])
    skipped_before: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    closed: list[str] = field(default_factory=list[str])


def find_changes(
    seen: Iterable[Candidate | Skipped], before: Mapping[str, FileState], *, read_all: bool = False
) -> Changes:
    """Compare what is on disk with what the collection has read `before`.

    A file of the same size and time is unchanged, as for make and rsync; one that was skipped is tried again when it
    changes. With `read_all` every file is read.
    """
    changes = Changes()
    here: dict[str, Candidate] = {}
    closed: list[str] = []
    for one in seen:
        if isinstance(one, Skipped):
            changes.left_out.append((one.path, one.reason))
            closed += [one.path] if one.is_closed else []
        else:
            here[one.path] = one
    changes.newly_left_out = list(_left_out(changes.left_out, before))
    left_out = {path for path, _ in changes.left_out}
    gone = {path: state for path, state in before.items() if path not in here and path not in left_out}
    changes.closed = [folder for folder in closed if _keep(folder, gone)]
    by_size: dict[int, list[FileState]] = {}
    for state in gone.values():
        if not state.problem:
            by_size.setdefault(state.size, []).append(state)
    for path, candidate in here.items():
        state = before.get(path)
        if state is not None:
            changes.known.add(path)
            if read_all or (state.size, state.mtime_ns) != (candidate.size, candidate.mtime_ns):
                changes.to_read.append(path)
            elif state.problem:
                changes.skipped_before.append((path, state.problem))
            else:
                changes.unchanged += 1
        elif not read_all and (origin := _same_content(candidate, by_size.get(candidate.size, []))):
            by_size[origin.size].remove(origin)
            del gone[origin.path]
            moved_to = FileState(path, candidate.size, candidate.mtime_ns, origin.sha256)
            changes.moved.append((origin.path, moved_to))
        else:
            changes.to_read.append(path)
    changes.gone = list(gone)
    return changes


def is_below(path: str, root: str) -> bool:
    """Whether `path` is `root` or in it."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _keep(folder: str, gone: dict[str, FileState]) -> bool:
    """Take out of `gone` what is below `folder`; whether there was anything."""
    kept = [path for path in gone if is_below(path, folder)]
    for path in kept:
        del gone[path]
    return bool(kept)


def _left_out(left_out: Iterable[tuple[str, str]], before: Mapping[str, FileState]) -> Iterator[FileState]:
    """What is to be noted of files that are not looked into; no file has that size, so one that may be read is."""
    for path, reason in left_out:
        state = FileState(path, -1, 0, "", reason)
        if before.get(path) != state:
            yield state


def _same_content(candidate: Candidate, gone: list[FileState]) -> FileState | None:
    """The file that is gone and whose content is here now."""
    if not gone:
        return None
    digest = hashlib.sha256()
    try:
        handle = os.open(candidate.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError:
        return None  # reading it will say why
    same = [state for state in gone if state.sha256 == digest.hexdigest()]
    return min(same, key=lambda state: Path(state.path).name != Path(candidate.path).name, default=None)
