"""Keeping the disk bounded: the oldest steps go first."""

import contextlib
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ally.checkpoints.blobs import read_index, repack
from ally.checkpoints.index import last_used, load_index
from ally.checkpoints.locks import try_exclusive
from ally.checkpoints.node import Node
from ally.checkpoints.steps import OpenCapture, read_open, read_step, replace

MAX_BYTES = 1024**3
MAX_AGE_S = 30 * 24 * 3600.0
EVERY_S = 24 * 3600.0
_SMALL_PACK = 1024 * 1024
_MANY_PACKS = 50
_Digest = tuple[Path, bytes]
"""A content in the store of one root."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """A file that refers to contents; once it is gone, what only it referred to may go."""

    file: Path
    used_at: float
    digests: frozenset[_Digest]


def prune(folder: Path, max_bytes: int = MAX_BYTES, *, every_s: float = EVERY_S) -> None:
    """Bring the checkpoints of all roots below `max_bytes` and 30 days, unless that was done within `every_s` seconds.

    A root that is in use at the moment is left for the next time. Failing to prune is no error.
    """
    with contextlib.suppress(OSError):
        stamp = folder / "pruned"
        if not folder.is_dir() or time.time() - _modified(stamp) < every_s:
            return
        stamp.write_bytes(b"")
        with contextlib.ExitStack() as held:
            roots: list[Path] = []
            for root in folder.iterdir():
                if root.is_dir() and held.enter_context(try_exclusive(root / "busy")):
                    roots.append(root)
            _prune(roots, max_bytes)


def _prune(roots: list[Path], max_bytes: int) -> None:
    sizes = {digest: size for root in roots for digest, size in _contents(root)}
    units = sorted((unit for root in roots for unit in _units(root)), key=lambda unit: unit.used_at)
    uses = Counter(digest for unit in units for digest in unit.digests)
    total = sum(sizes.get(digest, 0) for digest in uses)
    oldest = time.time() - MAX_AGE_S
    for unit in units:
        if unit.used_at > oldest and total <= max_bytes:
            break
        unit.file.unlink(missing_ok=True)
        for digest in unit.digests:
            uses[digest] -= 1
            if not uses[digest]:
                total -= sizes.get(digest, 0)
    for root in roots:
        _sweep(root, {digest for (where, digest), count in uses.items() if count and where == root})


def drop_temporaries(root: Path) -> None:
    """Remove what killed processes have half written; nobody else may be using the root."""
    for folder in ("", "packs/", "big/", "open/", "steps/*/"):
        for temporary in root.glob(f"{folder}*.tmp"):
            temporary.unlink()


def _sweep(root: Path, live: set[bytes]) -> None:
    """Remove what nothing refers to any more."""
    packs: list[Path] = []
    sizes: list[int] = []
    for pack in _files(root / "packs"):
        index = read_index(pack) if pack.suffix == ".pack" else {}
        size = sum(place.size for place in index.values())
        used = sum(place.size for digest, place in index.items() if digest in live)
        if not any(digest in live for digest in index):
            pack.unlink()
        elif used * 2 < size:
            packs.append(pack)
        elif size < _SMALL_PACK:
            sizes.append(size)
            packs.append(pack)
    if len(packs) > len(sizes) or len(sizes) > _MANY_PACKS:
        repack(packs, live)
    for file in _files(root / "big"):
        if file.suffix or bytes.fromhex(file.name) not in live:
            file.unlink()
    drop_temporaries(root)
    for session in _files(root / "steps"):
        with contextlib.suppress(OSError):  # steps are left
            session.rmdir()
    replace(root / "epoch", secrets.token_bytes(8))


def _contents(root: Path) -> Iterator[tuple[_Digest, int]]:
    for pack in _files(root / "packs"):
        for digest, place in read_index(pack).items():
            yield (root, digest), place.size
    for file in _files(root / "big"):
        if not file.suffix:
            yield (root, bytes.fromhex(file.name)), file.stat().st_blocks * 512


def _units(root: Path) -> Iterator[_Unit]:
    if used_at := last_used(root):
        index = load_index(root)
        yield _unit(root, root / "index", used_at, (seen.node for seen in index.values()))
    for session in _files(root / "steps"):
        for file in _files(session):
            step = read_step(file)
            deltas = [*step.deltas, *(step.undone or ())] if step else []
            nodes = (node for delta in deltas for node in (delta.before, delta.after) if node)
            yield _unit(root, file, step.at if step else 0.0, nodes)
    for file in _files(root / "open"):
        opened = read_open(file)
        if isinstance(opened, OpenCapture):
            yield _unit(root, file, _modified(file), iter(opened.before.nodes.values()))
        elif opened:
            nodes = (node for delta in opened.planned for node in (delta.before, delta.after) if node)
            yield _unit(root, file, _modified(file), nodes)


def _unit(root: Path, file: Path, used_at: float, nodes: Iterator[Node]) -> _Unit:
    digests = frozenset((root, node.content) for node in nodes if node.kind == "file" and not node.unstored)
    return _Unit(file, used_at, digests)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
