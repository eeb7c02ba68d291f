"""Opening files as they were agreed to: what a path leads to may change between the answer and the call.

A granted path is resolved, so it holds no links. It is walked folder by folder without following any, and everything
after that happens in the folder that is held open, not by name.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from ally.config.paths import find_paths
from ally.errors import ToolError
from ally.permissions.action import Grant
from ally.storage.atomic import leftovers, replace_in
from ally.storage.lock import locked

LOCK_WAIT_S = 10.0
LOCKS = 64

_BY_FOLDER = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_CLOSE = getattr(os, "O_CLOEXEC", 0)
_FOLDER = _CLOSE | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
# A folder that may be entered but not listed can still be walked through.
_WALK = _FOLDER | getattr(os, "O_PATH", os.O_RDONLY)
# Without O_NONBLOCK a FIFO without writer would block for ever.
_FILE = _CLOSE | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_READ = _FILE | os.O_RDONLY | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Spot:
    """One name in a folder that is held open; `folder` is None where the system knows no such thing."""

    tool: str
    path: Path
    folder: int | None
    name: str

    def look(self) -> os.stat_result | None:
        """What is there, links not followed; None is nothing."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def open(self) -> Generator[int, None, None]:
        """The file, open for reading.

        Raises:
            ToolError: it is no regular file, so reading might never end.
            FileNotFoundError: nothing is there.
        """
        # Looked at first as well: opening a device may already do something.
        found = os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        self._refuse_special(found)
        handle = os.open(self.name, _READ, dir_fd=self.folder)
        try:
            opened = os.fstat(handle)
            self._refuse_special(opened)
            if not _BY_FOLDER and (opened.st_ino, opened.st_dev) != (found.st_ino, found.st_dev):
                raise moved(self.tool, self.path)
            yield handle
        finally:
            os.close(handle)

    def read(self, most_bytes: int) -> bytes:
        """The content, at most one byte more than `most_bytes`."""
        with self.open() as handle:
            return read_some(handle, most_bytes + 1)

    def replace(self, data: bytes) -> None:
        """Write the file whole or not at all; permissions and owner stay."""
        for name in leftovers(self._names(), self.name):
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=self.folder)
        replace_in(self.folder, self.name, data)

    def _names(self) -> list[str]:
        if self.folder is None:
            return []
        try:
            handle = os.open(".", os.O_RDONLY | _FOLDER, dir_fd=self.folder)
        except PermissionError:  # it may be written but not listed
            return []
        try:
            with os.scandir(handle) as entries:
                return [entry.name for entry in entries]
        finally:
            os.close(handle)

    def _refuse_special(self, found: os.stat_result) -> None:
        if stat.S_ISLNK(found.st_mode):
            raise moved(self.tool, self.path)
        if not stat.S_ISREG(found.st_mode):
            raise ToolError(self.tool, f"{self.path} is {kind_of(found.st_mode)}, not a file.")


def granted(tool: str, path: Path, grant: Grant) -> Path:
    """What `path` leads to, if that is what was agreed to.

    Raises:
        ToolError: it leads elsewhere than it did then, or in a circle.
    """
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError) as exc:  # a loop of links is either, by the version of Python
        raise ToolError(tool, f"{path} leads nowhere: {exc}.") from exc
    if resolved not in grant.paths:
        raise moved(tool, path)
    return resolved


def moved(tool: str, path: Path) -> ToolError:
    """The refusal of a path that leads elsewhere than when it was agreed to."""
    return ToolError(tool, f"{path} is not what was agreed to: it leads elsewhere by now.", hint="Call again.")


@contextlib.contextmanager
def hold(tool: str, path: Path, *, make_folders: bool = False) -> Generator[Spot, None, None]:
    """Hold the folder of `path`, which is resolved, open.

    Raises:
        ToolError: a part of the path became a link, is no folder, or may not be entered.
        FileNotFoundError: a folder is missing and `make_folders` is not asked for.
    """
    if not _BY_FOLDER:
        if make_folders:
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.resolve() != path.parent:
            raise moved(tool, path)
        yield Spot(tool, path, None, str(path))
        return
    folder = _walk(tool, path, make_folders=make_folders)
    try:
        yield Spot(tool, path, folder, path.name or ".")
    finally:
        os.close(folder)


@contextlib.contextmanager
def exclusive(spot: Spot, wait_s: float = LOCK_WAIT_S) -> Generator[None, None, None]:
    """Keep other Allys of this user from changing files in the folder of `spot`, from the look at a file to its write.

    The lock is one of a few files in the state folder: a lock on the folder itself would wait for every command that
    the sandbox runs there. Where it cannot be had at all, there is none.

    Raises:
        ToolError: another process held it for `wait_s` seconds.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(_lock_file(spot), timeout_s=wait_s))
        except TimeoutError:
            text = f"Another process has kept {spot.path.parent} locked for {wait_s:g} s."
            raise ToolError(spot.tool, text, hint="Try again.") from None
        except OSError:
            pass  # the state folder cannot be written
        yield


def read_some(handle: int, most_bytes: int) -> bytes:
    """The next bytes of an open file: fewer than `most_bytes` only at its end.

    Raises:
        BlockingIOError: it has none now but may have some later, as some files under /proc.
    """
    pieces: list[bytes] = []
    while most_bytes > 0 and (piece := os.read(handle, min(most_bytes, 1 << 20))):
        pieces.append(piece)
        most_bytes -= len(piece)
    return b"".join(pieces)


def kind_of(mode: int) -> str:
    """What a file of this `st_mode` is, in words."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe (FIFO)",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFLNK: "a symbolic link",
    }
    return kinds.get(stat.S_IFMT(mode), "a special file")


def _walk(tool: str, path: Path, *, make_folders: bool) -> int:
    folder = os.open(path.anchor, _WALK)
    try:
        for part in path.parent.parts[1:]:
            below = _enter(tool, path, folder, part, make_folders=make_folders)
            os.close(folder)
            folder = below
    except BaseException:
        os.close(folder)
        raise
    return folder


def _enter(tool: str, path: Path, folder: int, part: str, *, make_folders: bool) -> int:
    try:
        if make_folders:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=folder)
        return os.open(part, _WALK, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as exc:
        if exc.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise ToolError(tool, f"{path} cannot be reached: {part}: {exc.strerror}.") from exc
        found = os.stat(part, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            raise moved(tool, path) from exc
        raise ToolError(tool, f"{path} cannot be there: {part} is {kind_of(found.st_mode)}, not a folder.") from exc


def _lock_file(spot: Spot) -> Path:
    """Two folders may share a file; that costs the short time of a write."""
    found = spot.path.parent.stat() if spot.folder is None else os.fstat(spot.folder)
    folder = find_paths(os.environ).state / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{(found.st_ino + found.st_dev) % LOCKS:02d}"
