"""What a snapshot leaves out so that it stays fast: caches, and folders that a tool can make again."""

import contextlib
import hashlib
import os
from dataclasses import dataclass, field
from posixpath import basename, dirname, isdir, islink, join, lexists

from ally.checkpoints.node import Node, fingerprint

CACHES = frozenset(
    name.encode()
    for name in (
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".import_linter_cache",
        ".pytype",
        ".ipynb_checkpoints",
        ".parcel-cache",
        ".turbo",
    )
)
"""Made again by whoever needs them: a snapshot does not see them at all."""

HEAVY = frozenset(
    name.encode()
    for name in (
        ".git",
        ".hg",
        ".svn",
        ".jj",
        "node_modules",
        "bower_components",
        ".tox",
        ".nox",
        ".gradle",
        ".next",
        ".nuxt",
        ".svelte-kit",
        ".terraform",
        ".cache",
        ".direnv",
    )
)
_MARKS = frozenset((b"pyvenv.cfg", b"CACHEDIR.TAG"))
"""A file of this name in a folder says that the folder is a virtual environment or a cache."""

SMALL_ENTRIES = 300
SMALL_BYTES = 4 * 1024 * 1024
"""A folder that `.gitignore` leaves out is stored all the same if it is no larger than this."""

_LOOKS = 2_000
_GIT = (b"HEAD", b"packed-refs", b"config", b"refs", b"hooks")


@dataclass(slots=True)
class Leaver:
    """Says which folders are left out, in one scan. `looks` bounds what fingerprints may cost altogether."""

    looks: int = 5 * _LOOKS
    _verdicts: dict[bytes, bool] = field(default_factory=dict[bytes, bool])

    def is_heavy(self, path: bytes, names: frozenset[bytes] | set[bytes]) -> bool:
        """Whether the folder `path` with the entries `names` is one that a tool makes again."""
        if not names.isdisjoint(_MARKS):
            return True
        if basename(path) != b"target":
            return False
        above = dirname(path)
        return any(lexists(join(above, one)) for one in (b"Cargo.toml", b"pom.xml"))

    def is_small(self, path: bytes) -> bool:
        """Whether an ignored folder is small enough to be stored."""
        entries = size = 0
        waiting = [path]
        while waiting:
            try:
                with os.scandir(waiting.pop()) as listing:
                    for entry in listing:
                        entries += 1
                        if entry.is_dir(follow_symlinks=False):
                            if entry.name in HEAVY:
                                return False
                            waiting.append(entry.path)
                        else:
                            size += entry.stat(follow_symlinks=False).st_size
                        if entries > SMALL_ENTRIES or size > SMALL_BYTES:
                            return False
            except OSError:
                return False
        return True

    def node(self, path: bytes, mode: int, why: str) -> Node:
        """The folder as one node: whether it changed can be told, what it held cannot be restored."""
        digest = hashlib.sha256()
        starts = [join(path, name) for name in _GIT] if basename(path) == b".git" else [path]
        left = min(self.looks, _LOOKS)
        waiting = starts[::-1]
        while waiting and left > 0:
            left -= 1
            self.looks -= 1
            here = waiting.pop(0)
            with contextlib.suppress(OSError):
                found = os.lstat(here)
                digest.update(here + fingerprint(found))
                if isdir(here) and not islink(here):
                    waiting += sorted(join(here, name) for name in os.listdir(here) if name not in CACHES)  # noqa: PTH208 - bytes
        return Node("heavy", mode, digest.digest()[:16], unstored=why)
