"""Replacing exact passages of a text, with everything else kept to the byte.

A newline in what a model writes stands for any line end of the file, and what is put in gets the line ends of the
lines around it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ally.storage.encoding import END, line_end

_ANY_END = r"(?:\r\n|(?<!\r)\n|\r(?!\n))"
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement, as the model asks for it."""

    old: str
    new: str
    is_all: bool = False


class NoMatch(ValueError):
    """An edit that cannot be made; `position` counts from 0, `is_absent` says that its old text is nowhere."""

    def __init__(self, position: int, message: str, *, is_absent: bool = False) -> None:
        super().__init__(message)
        self.position = position
        self.is_absent = is_absent


@dataclass(frozen=True, slots=True)
class Change:
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str


def find_changes(text: str, edits: Sequence[Edit]) -> list[Change]:
    """What the edits, all of them found in `text` as it is, change in it, in the order of the text.

    Raises:
        NoMatch: one is not found, is not unique, changes nothing, or overlaps another.
    """
    found: list[tuple[Change, int]] = []
    for position, edit in enumerate(edits):
        found += [(change, position) for change in _find(text, edit, position)]
    found.sort(key=lambda one: (one[0].start, one[0].end))
    for (first, _), (second, position) in pairwise(found):
        if second.start < first.end:
            raise NoMatch(position, f"overlaps another edit in line {line_of(text, second.start)}; join the two")
    return [_shrink(text, change) for change, _ in found]


def apply(text: str, changes: Sequence[Change]) -> str:
    """`text` with the changes made, which are in its order and do not overlap."""
    pieces: list[str] = []
    at = 0
    for change in changes:
        pieces += [text[at : change.start], change.new]
        at = change.end
    return "".join([*pieces, text[at:]])


def line_of(text: str, position: int) -> int:
    """The number of the line in which `position` is."""
    return len(END.findall(text, 0, position)) + 1


def plain(text: str) -> str:
    """`text` with newlines as its only line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _find(text: str, edit: Edit, position: int) -> list[Change]:
    old, new = plain(edit.old), plain(edit.new)
    if not old:
        raise NoMatch(position, "has an empty old text; give the text it comes after, or use the tool write")
    if old == new:
        raise NoMatch(position, "has the same old and new text, so it changes nothing")
    pattern = re.compile(_ANY_END.join(re.escape(line) for line in old.split("\n")))
    first = pattern.search(text)
    if first is None:
        raise NoMatch(position, "is not there", is_absent=True)
    if edit.is_all:
        return [Change(match.start(), match.end(), new) for match in pattern.finditer(text)]
    if pattern.search(text, first.start() + 1):
        raise NoMatch(position, _ambiguous(text, pattern))
    return [Change(first.start(), first.end(), new)]


def _ambiguous(text: str, pattern: re.Pattern[str]) -> str:
    starts: list[int] = []
    match = pattern.search(text)
    while match and len(starts) <= _MOST_NAMED:
        starts.append(match.start())
        match = pattern.search(text, match.start() + 1)
    lines = ", ".join(str(line_of(text, start)) for start in starts[:_MOST_NAMED])
    more = " and more" if len(starts) > _MOST_NAMED else ""
    return f"is there more than once (lines {lines}{more}); add lines around it, or set all to change every one"


def _shrink(text: str, change: Change) -> Change:
    """The same change without what stays as it is at its ends, and with the line ends of its place."""
    span = text[change.start : change.end]
    old, new = plain(span), change.new
    most = min(len(old), len(new))
    head = next((at for at in range(most) if old[at] != new[at]), most)
    tail = next((at for at in range(most - head) if old[-1 - at] != new[-1 - at]), most - head)
    start = change.start + _raw_length(span, head)
    end = change.start + _raw_length(span, len(old) - tail)
    kept = new[head : len(new) - tail]
    return Change(start, end, kept.replace("\n", _end_near(text, start, end)) if "\n" in kept else kept)


def _raw_length(span: str, length: int) -> int:
    """How many characters of `span` its first `length` characters are when a CRLF counts as one."""
    pairs = 0
    for match in re.finditer("\r\n", span):
        if match.start() - pairs >= length:
            break
        pairs += 1
    return length + pairs


def _end_near(text: str, start: int, end: int) -> str:
    """The line end of what is replaced, of its last line, or of the line before."""
    if match := END.search(text, start):
        # Between the two characters of a CRLF nothing ever begins, so what is found is whole.
        return match.group()
    before = list(END.finditer(text, max(0, end - 100_000), end))
    return before[-1].group() if before else line_end(text)
