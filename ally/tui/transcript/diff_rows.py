"""What a diff says, line by line: read from a unified diff, or found between two texts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal, NamedTuple

from ally.tui.transcript.diff_match import Match, matches

Kind = Literal["file", "hunk", "note", "same", "removed", "added"]

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)", re.DOTALL)
_CHANGE = re.compile(r"(created|changed|deleted): (.+)", re.DOTALL)
_GIT = re.compile(r"diff --git (?:\"?a/)(.+?)\"? \"?b/(.+?)\"?$", re.DOTALL)
_GIT_NOISE = re.compile(r"index [0-9a-f]+\.\.[0-9a-f]+( \d+)?$|(?:dis)?similarity index \d+%$|rename (from|to) ")
_GIT_SAYS = {"new file mode": "new", "deleted file mode": "deleted"}
_CONTEXT = 3
NO_NEWLINE = "\\ No newline at end of file"


class Row(NamedTuple):
    """One line of a diff with its numbers in the old and the new text, 0 where it is in none.

    `text` is the line without its mark and its line feed; a carriage return stays at its end.
    """

    kind: Kind
    text: str
    old: int = 0
    new: int = 0


@dataclass(frozen=True, slots=True)
class Texts:
    """A text before and after; `name` is the file's, `first` the number of the first line, 0 if that is not known."""

    before: str
    after: str
    name: str = ""
    first: int = 1


def rows_of(change: str | Texts) -> list[Row]:
    """All lines of a unified diff (of `diff`, git or Ally), or those that two texts need."""
    return list(_Reader(change.split("\n")).rows()) if isinstance(change, str) else list(_compared(change))


class _Reader:
    """Reads by the counts of each hunk, so that no line of a file passes for a header; what is unknown is a note."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines[:-1] if lines and not lines[-1] else lines
        self._at = 0
        self._named = ""

    def rows(self) -> Iterator[Row]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if found := _HUNK.fullmatch(line):
                yield Row("hunk", line)
                old, old_count, new, new_count = (int(part or 1) for part in found.groups()[:4])
                yield from self._hunk(old, new, old_count, new_count)
            else:
                yield from self._header(line)

    def _hunk(self, old: int, new: int, old_left: int, new_left: int) -> list[Row]:
        self._named = ""
        rows: list[Row] = []
        for line in islice(self._lines, self._at, None):
            if old_left <= 0 and new_left <= 0:
                break
            mark = line[:1]
            if mark == "-" and old_left:
                rows.append(Row("removed", line[1:], old, 0))
                old, old_left = old + 1, old_left - 1
            elif mark == "+" and new_left:
                rows.append(Row("added", line[1:], 0, new))
                new, new_left = new + 1, new_left - 1
            elif mark in (" ", "") and old_left and new_left:
                rows.append(Row("same", line[1:], old, new))
                old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
            elif mark == "\\":
                rows.append(Row("note", line))
            else:
                break
        self._at += len(rows)
        return rows

    def _header(self, line: str) -> Iterator[Row]:
        following = self._lines[self._at] if self._at < len(self._lines) else ""
        if line.startswith("--- ") and following.startswith("+++ "):
            self._at += 1
            yield from self._names(_name(line), _name(following))
        elif found := _GIT.fullmatch(line):
            yield Row("file", self._git(found[1], found[2]))
        elif found := _CHANGE.fullmatch(line):
            self._named = found[2]
            yield Row("file", f"{found[2]} ({found[1]})")
        else:
            yield Row("note", line.strip() or line)

    def _names(self, old: str, new: str) -> Iterator[Row]:
        old_name, new_name = old.removeprefix("a/"), new.removeprefix("b/")
        known = {self._named, self._named.partition(" (")[0]} - {""}
        if {old_name, new_name} - {"/dev/null"} <= known:
            return
        match old, new:
            case "/dev/null", _:
                yield Row("file", f"{new_name} (new)")
            case _, "/dev/null":
                yield Row("file", f"{old_name} (deleted)")
            case _:
                yield Row("file", new if old == new else _moved(old_name, new_name))

    def _git(self, old: str, new: str) -> str:
        """The heading of a file in a diff of git; the lines that it says already are passed."""
        self._named, about = new if old == new else "", ""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            said = next((word for start, word in _GIT_SAYS.items() if line.startswith(start)), "")
            if not said and not _GIT_NOISE.match(line):
                break
            about = f" ({said})" if said else " (renamed)" if line.startswith("rename") else about
            self._at += 1
        if old != new:
            following = self._lines[self._at : self._at + 2]
            if following == [f"--- a/{old}", f"+++ b/{new}"]:
                self._at += 2
        return _moved(old, new) + about


def _name(line: str) -> str:
    """The file of a `---` or `+++` line; what follows a tab is a time."""
    return line[4:].partition("\t")[0]


def _moved(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"


def _compared(texts: Texts) -> Iterator[Row]:
    before, after = _split(texts.before), _split(texts.after)
    if texts.name:
        yield Row("file", texts.name)
    same = matches(before, after)
    known = texts.first > 0
    add = texts.first - 1 if known else 0
    for place, hunk in enumerate(_hunks(same)):
        start, end = hunk[0], hunk[-1]
        old, new = _range(start.old, end.old_end, add), _range(start.new, end.new_end, add)
        if known or place:
            yield Row("hunk", f"@@ -{old} +{new} @@" if known else "…")
        for row in _hunk_rows(before, after, hunk):
            yield (
                row._replace(old=row.old and row.old + add, new=row.new and row.new + add)
                if known
                else Row(row.kind, row.text)
            )


def _hunks(same: list[Match]) -> Iterator[list[Match]]:
    """What is the same around and between changes, by hunks, with no more of it than is shown."""
    hunk: list[Match] = []
    for place, match in enumerate(same):
        is_last = place == len(same) - 1
        if not hunk:
            skipped = max(0, match.length - _CONTEXT)
            hunk = [Match(match.old + skipped, match.new + skipped, match.length - skipped)]
        elif is_last or match.length > 2 * _CONTEXT:
            yield [*hunk, Match(match.old, match.new, min(match.length, _CONTEXT))]
            hunk = [Match(match.old_end - _CONTEXT, match.new_end - _CONTEXT, _CONTEXT)]
        else:
            hunk.append(match)


def _hunk_rows(before: list[str], after: list[str], hunk: list[Match]) -> Iterator[Row]:
    for one, following in pairwise([*hunk, Match(hunk[-1].old_end, hunk[-1].new_end, 0)]):
        for at in range(one.length):
            yield from _row("same", before[one.old + at], one.old + at + 1, one.new + at + 1)
        for at in range(one.old_end, following.old):
            yield from _row("removed", before[at], at + 1, 0)
        for at in range(one.new_end, following.new):
            yield from _row("added", after[at], 0, at + 1)


def _row(kind: Kind, line: str, old: int, new: int) -> Iterator[Row]:
    yield Row(kind, line.removesuffix("\n"), old, new)
    if not line.endswith("\n"):
        yield Row("note", NO_NEWLINE)


def _range(start: int, end: int, add: int) -> str:
    return f"{start + add + (end > start)},{end - start}"


def _split(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
