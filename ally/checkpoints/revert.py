"""Taking changes back without touching what somebody else did since: first a plan, then the plan carried out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from posixpath import dirname

from ally.checkpoints.blobs import LostContent
from ally.checkpoints.merge import is_text, merge
from ally.checkpoints.node import Delta, Node, is_link_or_file
from ally.checkpoints.tree import Blocked, Tree

_EDITED_NEW = "it was created and has been edited since, so it stays"
_GONE = "it has been deleted since"
_REPLACED = "something else has been put there since"


@dataclass(slots=True)
class Plan:
    """What shall become of each path (`before` is what was found, `after` what shall be), and what is left alone."""

    deltas: list[Delta] = field(default_factory=list[Delta])
    merged: set[bytes] = field(default_factory=set[bytes])
    kept: dict[bytes, str] = field(default_factory=dict[bytes, str])


class _Kept(Exception):
    """The path is left as it is; the text says why."""


def make_plan(deltas: Sequence[Delta], tree: Tree) -> Plan:
    """How to take back `deltas` (oldest first) from what is there now; changes no file."""
    plan = Plan()
    paths = {delta.path for delta in deltas}
    found: dict[bytes, Node | None] = _open_folders(deltas, tree)
    wanted: dict[bytes, Node | None] = {}
    for delta in reversed(deltas):
        path = delta.path
        if path in plan.kept:
            continue
        try:
            if path not in found:
                found[path] = _look(path, paths, tree)
            now = wanted.get(path, found[path])
            wanted[path] = _resolve(now, delta, tree)
        except Blocked as exc:
            plan.kept[path] = str(exc)
        except (_Kept, LostContent) as exc:
            plan.kept[path] = str(exc) if isinstance(exc, _Kept) else "its content is no longer stored"
        else:
            if _is_merge(now, delta, wanted[path]):
                plan.merged.add(path)
    plan.merged -= plan.kept.keys()
    plan.deltas = [
        Delta(path, found[path], node) for path, node in wanted.items() if path not in plan.kept and found[path] != node
    ]
    return plan


def _look(path: bytes, planned: set[bytes], tree: Tree) -> Node | None:
    """What is at a path; below a planned path that is no folder at the moment there is nothing."""
    try:
        return tree.look(path)
    except Blocked:
        above = dirname(path)
        while above not in (b"", b"/"):
            if above in planned:
                return None
            above = dirname(above)
        raise


def _open_folders(deltas: Sequence[Delta], tree: Tree) -> dict[bytes, Node | None]:
    """Folders that a call closed are opened, so that what is in them can be seen; returns them as they were."""
    closed: dict[bytes, Node | None] = {}
    for delta in sorted(deltas, key=lambda one: one.path):
        was, became = delta.before, delta.after
        if was and became and was.kind == became.kind == "folder" and (became.mode & 0o700) != 0o700:
            try:
                if delta.path not in closed and tree.look(delta.path) == became:
                    closed[delta.path] = became
                    tree.chmod(delta.path, was.mode)
            except Blocked:
                closed.pop(delta.path, None)
    return closed


def _resolve(now: Node | None, delta: Delta, tree: Tree) -> Node | None:
    """What should be at the path: as before the call, with what was changed since."""
    was, became = delta.before, delta.after
    for node in (was, became):
        if node and node.kind in ("heavy", "other"):
            raise _Kept(f"{_VERBS[delta.kind]}, and is not restored: {node.unstored}")
    if now == was:
        return now
    if now == became:
        if was and was.unstored:
            raise _Kept(f"its earlier content was not stored: {was.unstored}")
        if now and now.unstored:
            raise _Kept(f"what it holds now could not be brought back: {now.unstored}")
        return was
    if now is None:
        raise _Kept(_GONE)
    if was is None:
        raise _Kept(_EDITED_NEW)
    if became is None or not now.kind == was.kind == became.kind:
        raise _Kept(_REPLACED)
    return _combine(now, was, became, tree)


def _combine(now: Node, was: Node, became: Node, tree: Tree) -> Node:
    mode = was.mode if now.mode == became.mode else now.mode
    if now.kind == "folder":
        return Node("folder", mode)
    if now.content == became.content and not was.unstored:
        return Node(was.kind, mode, was.content, was.size)
    if was.content == became.content:
        return Node(now.kind, mode, now.content, now.size, now.unstored)
    if now.kind != "file":
        raise _Kept(_REPLACED)
    if now.unstored or was.unstored or became.unstored:
        raise _Kept("it has been changed since, and is too large to be merged")
    if now.content == was.content:
        return Node("file", mode, now.content, now.size)
    texts = [tree.blobs.get(node.content) for node in (became, now, was)]
    merged = merge(*texts)
    if merged is None:
        is_mergeable = all(map(is_text, texts))
        raise _Kept("the same lines have been edited since" if is_mergeable else "it has been changed since")
    return Node("file", mode, tree.blobs.put(merged), len(merged))


def _is_merge(now: Node | None, delta: Delta, then: Node | None) -> bool:
    return now is not None and then is not None and now != delta.after and then not in (now, delta.before)


_VERBS = {"created": "it was created", "changed": "it was changed", "deleted": "it was deleted"}


def carry_out(planned: Sequence[Delta], tree: Tree, *, is_resumed: bool = False) -> dict[bytes, str]:
    """Make every path what the plan says, if it still is what the plan found; gives those that were left, and why.

    It may be stopped at any point and started again with the same plan: `is_resumed` takes half-made things as found.
    """
    failed: dict[bytes, str] = {}
    ready = _find_ready(planned, tree, failed, is_resumed=is_resumed)
    for delta in sorted(ready, key=lambda one: one.path.count(b"/"), reverse=True):
        if delta.before and not _is_in_place(delta):
            _try(tree.remove, delta, delta.before, failed)
    shallow_first = sorted(ready, key=lambda one: one.path.count(b"/"))
    for delta in shallow_first:
        if delta.after and not _is_same_folder(delta) and delta.path not in failed:
            _try(tree.place, delta, delta.after, failed)
    for delta in reversed(shallow_first):
        if delta.after and delta.after.kind == "folder" and delta.path not in failed:
            try:
                tree.chmod(delta.path, delta.after.mode)
            except Blocked as exc:
                failed[delta.path] = str(exc)
    return failed


def _find_ready(planned: Sequence[Delta], tree: Tree, failed: dict[bytes, str], *, is_resumed: bool) -> list[Delta]:
    """What still is as the plan found it; the rest goes into `failed`."""
    paths = {delta.path for delta in planned}
    ready: list[Delta] = []
    for delta in planned:
        if is_resumed:
            tree.sweep(delta.path)
        try:
            now = _look(delta.path, paths, tree)
        except Blocked as exc:
            failed[delta.path] = str(exc)
            continue
        if _is_ready(delta, now, is_resumed=is_resumed):
            ready.append(delta)
        elif not (is_resumed and now == delta.after):
            failed[delta.path] = "it was changed meanwhile"
    return ready


def _is_ready(delta: Delta, now: Node | None, *, is_resumed: bool) -> bool:
    if now == delta.before or (_is_same_folder(delta) and now is not None and now.kind == "folder"):
        return True
    if not is_resumed or now == delta.after:
        return False
    is_made = now is not None and delta.after is not None and now.kind == delta.after.kind == "folder"
    return is_made or (now is None and not _is_in_place(delta))


def _is_in_place(delta: Delta) -> bool:
    """Whether a rename, or a change of mode, is all it takes."""
    return _is_same_folder(delta) or (is_link_or_file(delta.before) and is_link_or_file(delta.after))


def _is_same_folder(delta: Delta) -> bool:
    return bool(delta.before and delta.after and delta.before.kind == delta.after.kind == "folder")


def _try(change: Callable[[bytes, Node], None], delta: Delta, node: Node, failed: dict[bytes, str]) -> None:
    if delta.path in failed:
        return
    try:
        change(delta.path, node)
    except Blocked as exc:
        failed[delta.path] = str(exc)
