"""Three-way merge of text, line by line."""

from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Hunk:
    """The lines `start` to `end` of the base become `lines`."""

    start: int
    end: int
    lines: tuple[bytes, ...]

    def touches(self, other: "_Hunk") -> bool:
        return self.start <= other.end and other.start <= self.end


def is_text(data: bytes) -> bool:
    """Whether it may be merged or shown by lines."""
    return b"\0" not in data and len(data) <= MAX_BYTES


def merge(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """`base` with the changes of both; None if they touch the same or neighbouring lines, or one is no text.

    A line end belongs to its line, so that it stays what it is.
    """
    if not (is_text(base) and is_text(ours) and is_text(theirs)):
        return None
    lines = base.splitlines(keepends=True)
    mine, other = _hunks(lines, ours), _hunks(lines, theirs)
    if any(one.touches(two) and one != two for one in mine for two in other):
        return None
    merged: list[bytes] = []
    position = 0
    for hunk in sorted({*mine, *other}, key=lambda one: one.start):
        merged += lines[position : hunk.start]
        merged += hunk.lines
        position = hunk.end
    return b"".join(merged + lines[position:])


def _hunks(base: list[bytes], changed: bytes) -> list[_Hunk]:
    lines = changed.splitlines(keepends=True)
    head = _count_equal(base, lines)
    tail = _count_equal(base[head:][::-1], lines[head:][::-1])
    one, two = base[head : len(base) - tail], lines[head : len(lines) - tail]
    codes = SequenceMatcher(None, one, two).get_opcodes()
    return [_Hunk(head + i1, head + i2, tuple(two[j1:j2])) for code, i1, i2, j1, j2 in codes if code != "equal"]


def _count_equal(one: list[bytes], two: list[bytes]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
