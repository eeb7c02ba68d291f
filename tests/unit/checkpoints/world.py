"""A folder with a session's checkpoints, and ways to look at every byte of it."""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ally.checkpoints import Change, Checkpoints

State = dict[bytes, tuple[str, int, bytes]]


def look(root: Path, leave_out: frozenset[bytes] = frozenset()) -> State:
    """Every path below `root`: its kind, mode, and content or target."""
    found: State = {}
    waiting = [os.fsencode(root)]
    while waiting:
        with os.scandir(waiting.pop()) as listing:
            entries = list(listing)
        for entry in entries:
            if entry.name in leave_out:
                continue
            name = os.path.relpath(entry.path, os.fsencode(root))
            mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
            if entry.is_symlink():
                found[name] = ("link", 0, os.fsencode(Path(os.fsdecode(entry.path)).readlink()))
            elif entry.is_dir():
                found[name] = ("folder", mode, b"")
                waiting.append(entry.path)
            elif entry.is_file():
                found[name] = ("file", mode, Path(os.fsdecode(entry.path)).read_bytes())
            else:
                found[name] = ("special", mode, b"")
    return found


@dataclass(frozen=True)
class World:
    """One session in one folder."""

    root: Path
    store: Path
    checkpoints: Checkpoints

    def shell(self, command: Callable[[], object]) -> tuple[Change, ...]:
        """A call of the shell tool."""
        return self.call(None, command)

    def tool(self, path: Path | str, command: Callable[[], object]) -> tuple[Change, ...]:
        """A call of a file tool on one path."""
        return self.call([self.root / path], command)

    def call(self, paths: Sequence[Path] | None, command: Callable[[], object]) -> tuple[Change, ...]:
        """A call with its capture before and its record after."""
        capture = self.checkpoints.capture("call", paths)
        command()
        return self.checkpoints.record(capture)

    def write(self, name: str, text: str | bytes, mode: int = 0o644) -> Path:
        """A file with its folders."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        return path

    def another(self, session: str) -> "World":
        """Another session in the same folder."""
        return World(self.root, self.store, Checkpoints(self.store, self.root, session))
