"""What is at a path at one moment, and how a call changed it; these are also the records on disk (MessagePack).

Paths are bytes, relative to the root, or absolute for what lies outside: names need not be UTF-8.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, islink, join, lexists, realpath, split
from typing import Literal

from msgspec import Struct

NodeKind = Literal["file", "link", "folder", "fifo", "heavy", "other"]
ChangeKind = Literal["created", "changed", "deleted"]


class Node(Struct, frozen=True, array_like=True, gc=False):
    """Something at a path.

    `content` is the SHA-256 of a file, the target of a link, or, where the content is not stored (`unstored` says why),
    a fingerprint that only tells whether it is still the same. `heavy` is a folder of which no more than that is known.
    """

    kind: NodeKind
    mode: int = 0
    content: bytes = b""
    size: int = 0
    unstored: str = ""

    @property
    def is_restorable(self) -> bool:
        """Whether it can be put back as it was."""
        return self.kind not in ("heavy", "other") and not self.unstored


class Delta(Struct, frozen=True, array_like=True, gc=False):
    """One path before and after a call. `is_exact`: a file tool named the path, so that nobody else changed it."""

    path: bytes
    before: Node | None
    after: Node | None
    is_exact: bool = False

    @property
    def kind(self) -> ChangeKind:
        """What happened to it."""
        if self.before is None:
            return "created"
        return "deleted" if self.after is None else "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """What a call did to one path; `note` says why an undo cannot restore it, if so."""

    path: Path
    kind: ChangeKind
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an undo or a redo did.

    `merged` kept the user's later edits beside what was restored; `kept` was left as it is, with the reason. Without
    `is_found` there was no step to go back or forward to.
    """

    label: str = ""
    restored: tuple[Path, ...] = ()
    merged: tuple[Path, ...] = ()
    kept: tuple[tuple[Path, str], ...] = ()
    notices: tuple[str, ...] = ()
    is_found: bool = True


class Tops(Struct, frozen=True, array_like=True):
    """The paths that one capture looks at: the whole root, or `whole` with what is in them and `shallow` alone."""

    is_root: bool = True
    whole: list[bytes] = []
    shallow: list[bytes] = []


def locate(root: bytes, path: bytes) -> list[bytes]:
    """The names under which a path that a tool was given is recorded, free of links but in its last part.

    A path that is itself a link gives its target as well, because writing goes through the link.
    """
    path = join(root, path)
    folder, last = split(path.rstrip(b"/") or b"/")
    if last in (b"", b".", b".."):
        return [name_in(root, realpath(path))]
    here = join(realpath(folder), last)
    found = [name_in(root, here)]
    if islink(here):
        found.append(name_in(root, realpath(here)))
    return found


def name_in(root: bytes, path: bytes) -> bytes:
    """`path` (absolute) relative to `root` if it lies inside, else as it is."""
    if path == root:
        return b""
    prefix = root.rstrip(b"/") + b"/"
    return path.removeprefix(prefix)


def missing_above(root: bytes, name: bytes) -> list[bytes]:
    """The folders above `name` that do not exist yet, so that a tool would create them."""
    found: list[bytes] = []
    folder = dirname(name)
    while folder not in (b"", b"/") and not lexists(join(root, folder)):
        found.append(folder)
        folder = dirname(folder)
    return found


def is_link_or_file(node: Node | None) -> bool:
    """Whether a rename can put something in its place."""
    return node is not None and node.kind in ("file", "link", "fifo")


def fingerprint(found: os.stat_result) -> bytes:
    """Tells whether something whose content is not stored is still the same."""
    return b"%d %d %d" % (found.st_ino, found.st_size, found.st_mtime_ns)


def plain_node(found: os.stat_result, target: bytes = b"") -> Node:
    """The node of anything but a regular file; `target` is that of a link."""
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode):
        return Node("link", 0, target)
    if stat.S_ISDIR(found.st_mode):
        return Node("folder", mode)
    if stat.S_ISFIFO(found.st_mode):
        return Node("fifo", mode)
    return Node("other", mode, fingerprint(found), unstored="it is a socket or a device")
