"""Changes as text for people."""

import difflib
import os
from collections.abc import Iterator, Sequence

from ally.checkpoints.blobs import Blobs, LostContent
from ally.checkpoints.merge import is_text
from ally.checkpoints.node import Delta, Node

MAX_DIFF_BYTES = 1024 * 1024


def write_diff(deltas: Sequence[Delta], blobs: Blobs) -> str:
    """A unified diff, path by path. Names and contents are as they are, control characters included."""
    return "".join(line for delta in deltas for line in _lines(delta, blobs))


def _lines(delta: Delta, blobs: Blobs) -> Iterator[str]:
    name = os.fsdecode(delta.path).encode(errors="replace").decode()
    was, now = delta.before, delta.after
    yield f"{delta.kind}: {name}{_about(was, now)}\n"
    if not any(node and node.kind in ("file", "link") for node in (was, now)):
        return
    if was and now and was.content == now.content and was.kind == now.kind:
        return
    one, two = _content(was, blobs), _content(now, blobs)
    if one is None or two is None:
        yield "  (the content was not stored)\n"
    elif not (is_text(one) and is_text(two)):
        yield f"  (binary, {len(one)} → {len(two)} bytes)\n"
    elif len(one) + len(two) > MAX_DIFF_BYTES:
        yield f"  (too long to be shown, {len(one)} → {len(two)} bytes)\n"
    else:
        yield from _unified(name, delta, one, two)


def _unified(name: str, delta: Delta, one: bytes, two: bytes) -> Iterator[str]:
    old = f"a/{name}" if delta.before else "/dev/null"
    new = f"b/{name}" if delta.after else "/dev/null"
    for line in difflib.unified_diff(_split(one), _split(two), old, new):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _split(data: bytes) -> list[str]:
    lines = data.decode(errors="replace").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _about(was: Node | None, now: Node | None) -> str:
    """What the lines of a diff do not show: another kind or mode."""
    kinds = [node.kind for node in (was, now) if node and node.kind != "file"]
    note = f" ({' → '.join(dict.fromkeys(kinds))})" if kinds else ""
    if was and now and was.kind == now.kind and was.mode != now.mode:
        note += f" (mode {was.mode:o} → {now.mode:o})"
    return note


def _content(node: Node | None, blobs: Blobs) -> bytes | None:
    if node is None or node.kind not in ("file", "link"):
        return b""
    if node.kind == "link":
        return node.content
    if node.unstored:
        return None
    try:
        return blobs.get(node.content)
    except LostContent:
        return None
