"""What a picker lists: options made safe, those that fit what was typed, and the columns that fit the width."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from ally.chat.front import Option
from ally.chat.fuzzy import folded, score, words_of
from ally.terminal.text import one_line

GAP = 2
"""Blank columns between two columns of text."""
_LEAST = 8
"""A column narrower than this is dropped instead of cut."""
_PICTURE = "\u2600-\u27bf\U0001f000-\U0001faff"
_JOINED = re.compile(rf"(?<=[{_PICTURE}\ufe0f])\u200d(?=[{_PICTURE}])")
"""Terminals do not agree how wide joined pictures are; one by one each takes two columns, and columns stay in line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One option as it is shown and searched; `text` holds its cells, one to a line, as they are compared."""

    option: Option
    cells: tuple[str, ...]
    group: str
    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines from top to bottom: names of groups, and numbers of entries; `best` is the line of the best match."""

    lines: tuple[str | int, ...]
    best: int


def entries_of(options: Sequence[Option]) -> list[Entry]:
    """The options, those of one group together, without anything a terminal would obey."""
    order = {group: place for place, group in enumerate(dict.fromkeys(option.group for option in options))}
    return [_entry(option) for option in sorted(options, key=lambda option: order[option.group])]


def _entry(option: Option) -> Entry:
    cells = tuple(map(_safe, (option.label, *option.cells)))
    return Entry(option, cells, _safe(option.group), folded("\n".join(cells)))


def _safe(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text.strip()
    return unicodedata.normalize("NFC", _JOINED.sub("", one_line(text)))


def fitting(entries: Sequence[Entry], query: str, among: Sequence[int] | None = None) -> dict[int, int]:
    """The numbers of the entries that fit `query`, each with its score; only those `among` are looked at."""
    words = words_of(query)
    found: dict[int, int] = {}
    for number in range(len(entries)) if among is None else among:
        worth = score(words, entries[number].text)
        if worth is not None:
            found[number] = worth
    return found


def listing(entries: Sequence[Entry], found: dict[int, int], *, is_sorted: bool) -> Listing:
    """The lines for what was found: below the name of its group, and there the best first if `is_sorted`."""
    groups: dict[str, list[int]] = {}
    for number in found:
        groups.setdefault(entries[number].group, []).append(number)
    lines: list[str | int] = []
    best, most = 0, -1
    for group, numbers in groups.items():
        if group:
            lines.append(group)
        for number in sorted(numbers, key=lambda number: -found[number]) if is_sorted else numbers:
            if found[number] > most:
                best, most = len(lines), found[number]
            lines.append(number)
    return Listing(tuple(lines), best)


def widths_of(entries: Sequence[Entry]) -> list[int]:
    """Columns that each cell needs at most."""
    widths: list[int] = []
    for entry in entries:
        widths += [0] * (len(entry.cells) - len(widths))
        for place, cell in enumerate(entry.cells):
            if len(cell) * 2 > widths[place]:  # no character is wider than two columns
                widths[place] = max(widths[place], len(cell) if cell.isascii() else cell_len(cell))
    return widths


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """How wide each cell is drawn in `room` columns: the last ones go, and the last that stays is cut.

    A cell that nobody has takes 0 columns and no gap; the list ends with the last cell that is drawn.
    """
    if not widths:
        return []
    others = sum(wide + GAP for wide in widths[1:] if wide)
    first = min(widths[0], room if not others else max(room * 2 // 3, room - others))
    drawn, left = [first], room - first
    for wide in widths[1:]:
        if wide and left - GAP < min(wide, _LEAST):
            break
        drawn.append(min(wide, left - GAP) if wide else 0)
        left -= drawn[-1] + GAP if wide else 0
    return drawn if any(drawn[1:]) else [min(widths[0], room)]
