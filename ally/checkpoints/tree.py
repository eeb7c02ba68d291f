"""Looking at and changing single paths, one folder handle after the other, so that no link leads anywhere else."""

import contextlib
import os
import shutil
import stat
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from ally.checkpoints.blobs import Blobs, LostContent
from ally.checkpoints.heavy import CACHES
from ally.checkpoints.node import Node, plain_node
from ally.checkpoints.reading import read_node
from ally.storage.atomic import leftovers

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Blocked(Exception):
    """A path cannot be reached or changed; the text says why."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below `root` (free of links), and those outside that have absolute names.

    `token` makes the names of temporary files of one undo, so that those a kill leaves behind can be removed.
    """

    root: bytes
    blobs: Blobs
    token: str = ""

    def look(self, path: bytes) -> Node | None:
        """What is there, with its content stored so that it can be brought back; None: nothing.

        Raises:
            Blocked: a link, or something else that is no folder, lies above it.
        """
        try:
            with self._parent(path) as (folder, name):
                return self._look(folder, name)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise Blocked(_reason(exc)) from exc

    def _look(self, folder: int, name: bytes) -> Node | None:
        found = os.lstat(name, dir_fd=folder)
        if not stat.S_ISREG(found.st_mode):
            is_link = stat.S_ISLNK(found.st_mode)
            return plain_node(found, os.readlink(name, dir_fd=folder) if is_link else b"")
        seen = read_node(name, self.blobs, folder=folder)
        return seen.node if seen else None

    def remove(self, path: bytes, node: Node) -> None:
        """Take away what is there; a folder only if it is empty but for caches.

        Raises:
            Blocked: it cannot be removed.
        """
        try:
            with self._parent(path) as (folder, name), _writable(folder):
                if node.kind != "folder":
                    os.unlink(name, dir_fd=folder)
                    return
                inside = os.open(name, _FOLDER, dir_fd=folder)
                try:
                    names = [os.fsencode(one) for one in os.listdir(inside)]  # noqa: PTH208 - by handle
                    if not CACHES.issuperset(names):
                        raise Blocked("it is not empty")
                    for one in names:
                        if not stat.S_ISDIR(os.lstat(one, dir_fd=inside).st_mode):
                            raise Blocked("it is not empty")
                        shutil.rmtree(one, dir_fd=inside)
                finally:
                    os.close(inside)
                os.rmdir(name, dir_fd=folder)
        except FileNotFoundError:
            return
        except OSError as exc:
            raise Blocked(_reason(exc)) from exc

    def place(self, path: bytes, node: Node) -> None:
        """Put `node` there, in place of a file or link or of nothing; a folder is made so that it can be filled.

        Raises:
            Blocked: it cannot be made.
        """
        try:
            with self._parent(path, is_made=True) as (folder, name), _writable(folder):
                if node.kind == "folder":
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=folder)
                    return
                self._replace(folder, name, node)
        except LostContent as exc:
            raise Blocked("its content is no longer stored") from exc
        except OSError as exc:
            raise Blocked(_reason(exc)) from exc

    def _replace(self, folder: int, name: bytes, node: Node) -> None:
        temporary = self._temporary
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        try:
            if node.kind == "link":
                os.symlink(node.content, temporary, dir_fd=folder)
            elif node.kind == "fifo":
                os.mkfifo(temporary, 0o600, dir_fd=folder)
                os.chmod(temporary, node.mode, dir_fd=folder)
            else:
                self._write(folder, name, node)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:  # an interrupt too must not leave the temporary file behind
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise

    def _write(self, folder: int, name: bytes, node: Node) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self._temporary, flags, 0o600, dir_fd=folder)
        with os.fdopen(handle, "wb") as file:
            self.blobs.write(node.content, file)
            file.flush()
            with contextlib.suppress(OSError):  # nothing there before, or only root may give files away
                old = os.lstat(name, dir_fd=folder)
                if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), node.mode)
            os.fsync(file.fileno())

    def chmod(self, path: bytes, mode: int) -> None:
        """Give a folder its mode.

        Raises:
            Blocked: it cannot be reached, or belongs to somebody else.
        """
        try:
            with self._parent(path) as (folder, name):
                found = os.lstat(name, dir_fd=folder)
                if stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) != mode:
                    os.chmod(name, mode, dir_fd=folder)
        except OSError as exc:
            raise Blocked(_reason(exc)) from exc

    def sweep(self, path: bytes) -> None:
        """Remove the temporary file that a killed undo may have left beside `path`."""
        with contextlib.suppress(OSError, Blocked), self._parent(path) as (folder, _):
            os.unlink(self._temporary, dir_fd=folder)

    def tidy(self, path: bytes) -> None:
        """Remove what a tool that was killed while it replaced `path` has left beside it."""
        with contextlib.suppress(OSError, Blocked), self._parent(path) as (folder, name):
            for left in leftovers(os.listdir(folder), os.fsdecode(name)):  # noqa: PTH208 - by handle
                os.unlink(left, dir_fd=folder)

    @property
    def _temporary(self) -> bytes:
        return b".ally-%s.tmp" % self.token.encode()

    @contextlib.contextmanager
    def _parent(self, path: bytes, *, is_made: bool = False) -> Generator[tuple[int, bytes], None, None]:
        """The handle of the folder of `path`, and the last part of its name."""
        *folders, name = path.strip(b"/").split(b"/")
        start = b"/" if path.startswith(b"/") else self.root
        if is_made:
            Path(os.fsdecode(start)).mkdir(parents=True, exist_ok=True)
        handle = os.open(start, _FOLDER)
        try:
            for part in folders:
                handle = _step_into(handle, part, is_made=is_made)
            yield handle, name
        finally:
            os.close(handle)


def _step_into(folder: int, name: bytes, *, is_made: bool) -> int:
    """The handle of a subfolder; that of `folder` is closed, unless this fails."""
    if is_made:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o777, dir_fd=folder)
    try:
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except NotADirectoryError as exc:
        is_link = stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode)
        what = "a link that may lead elsewhere" if is_link else "no longer a folder"
        raise Blocked(f"{os.fsdecode(name)} above it is now {what}") from exc
    os.close(folder)
    return inner


@contextlib.contextmanager
def _writable(folder: int) -> Generator[None, None, None]:
    """The folder can be written meanwhile, if it is this user's."""
    mode = stat.S_IMODE(os.fstat(folder).st_mode)
    is_changed = False
    if mode & 0o300 != 0o300:
        with contextlib.suppress(OSError):
            os.fchmod(folder, mode | 0o300)
            is_changed = True
    try:
        yield
    finally:
        if is_changed:
            os.fchmod(folder, mode)


def _reason(exc: OSError) -> str:
    return (exc.strerror or str(exc)).lower()
