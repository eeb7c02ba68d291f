"""What two lists of lines have in common, in time that hardly grows faster than they do."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_MOST_COMPARED = 300
"""Lines without a mark of their own that are still compared each with each."""


class Match(NamedTuple):
    """So many lines from `old` on are those from `new` on."""

    old: int
    new: int
    length: int

    @property
    def old_end(self) -> int:
        """The first line after it, in the old text."""
        return self.old + self.length

    @property
    def new_end(self) -> int:
        """The first line after it, in the new text."""
        return self.new + self.length


def matches(before: Sequence[str], after: Sequence[str]) -> list[Match]:
    """What is the same, in order; the first begins at 0 and the last goes to both ends, both may be of no length.

    Empty if the two are the same. Lines that occur once in each are what the others are arranged around (Bram Cohen's
    patience diff).
    """
    if list(before) == list(after):
        return []
    start, ending = _edges(before, after)
    size_before, size_after = len(before), len(after)
    inner = _between(before[start : size_before - ending], after[start : size_after - ending])
    found = [Match(0, 0, start)]
    for match in (
        *(Match(one.old + start, one.new + start, one.length) for one in inner),
        Match(size_before - ending, size_after - ending, ending),
    ):
        last = found[-1]
        is_last = match.old_end == size_before and match.new_end == size_after
        if (match.old, match.new) == (last.old_end, last.new_end):
            found[-1] = Match(last.old, last.new, last.length + match.length)
        elif match.length or is_last:
            found.append(match)
    return found


def _between(before: Sequence[str], after: Sequence[str]) -> Iterator[Match]:
    anchors = _anchors(before, after)
    if not anchors:
        yield from _small(before, after)
        return
    old = new = 0
    for old_at, new_at in [*anchors, (len(before), len(after))]:
        part_before, part_after = before[old:old_at], after[new:new_at]
        start, ending = _edges(part_before, part_after)
        yield Match(old, new, start)
        inner = part_before[start : len(part_before) - ending], part_after[start : len(part_after) - ending]
        for match in _small(*inner):
            yield Match(match.old + old + start, match.new + new + start, match.length)
        yield Match(old_at - ending, new_at - ending, ending + (old_at < len(before)))
        old, new = old_at + 1, new_at + 1


def _anchors(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """The longest row of lines that occur once in each, in the order of both."""
    counts, others = Counter(before), Counter(after)
    places = {line: at for at, line in enumerate(after) if others[line] == 1}
    pairs = [(at, places[line]) for at, line in enumerate(before) if counts[line] == 1 and line in places]
    ends: list[int] = []  # of the rows of each length, the smallest last place, and which pair that is
    pair_at: list[int] = []
    previous = [-1] * len(pairs)
    for index, (_, new) in enumerate(pairs):
        length = bisect_left(ends, new)
        previous[index] = pair_at[length - 1] if length else -1
        ends[length : length + 1], pair_at[length : length + 1] = [new], [index]
    row: list[tuple[int, int]] = []
    index = pair_at[-1] if pair_at else -1
    while index >= 0:
        row.append(pairs[index])
        index = previous[index]
    return row[::-1]


def _small(before: Sequence[str], after: Sequence[str]) -> Iterator[Match]:
    if not before or not after or len(before) + len(after) > _MOST_COMPARED:
        return
    from difflib import SequenceMatcher  # heavy

    for old, new, length in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        if length:
            yield Match(old, new, length)


def _edges(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many lines are the same at the beginning and at the end."""
    most = min(len(before), len(after))
    start = next((at for at in range(most) if before[at] != after[at]), most)
    ending = next((at for at in range(most - start) if before[-1 - at] != after[-1 - at]), most - start)
    return start, ending
