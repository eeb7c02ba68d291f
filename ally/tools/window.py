"""A window of lines out of a text that may be far larger than memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MAX_LINES = 2_000
MAX_CHARS = 50_000
LONGEST_LINE = 2_000


@dataclass(slots=True)
class Window:
    """Numbered lines as the model reads them. `total` is None while the end was not reached."""

    first: int
    lines: list[str] = field(default_factory=list[str])
    chars: int = 0
    is_more: bool = False
    total: int | None = None

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + len(self.lines) - 1

    @property
    def text(self) -> str:
        """The lines, each with its number."""
        return "\n".join(f"{number}\t{line}" for number, line in enumerate(self.lines, self.first))

    def is_full(self, limit: int) -> bool:
        """Whether no further line fits."""
        return len(self.lines) >= limit or self.chars >= MAX_CHARS

    def add(self, line: str, length: int) -> None:
        """Take a line of `length` characters, of which `line` is the beginning."""
        shown = line[:LONGEST_LINE]
        if length > LONGEST_LINE:
            shown += f"… [{length - LONGEST_LINE} more characters]"
        self.lines.append(shown)
        self.chars += len(shown) + len(str(self.last)) + 2


def take(chunks: Iterable[str], end: str, first: int, limit: int, *, count: bool) -> Window:
    """Lines `first` and following, at most `limit`; `end` is one character. `count`: go on to the end for the total."""
    window = Window(first)
    number, line, length, is_open = 1, "", 0, False  # of the line that is being read
    for chunk in (source := iter(chunks)):
        at = 0
        is_open = not chunk.endswith(end) if chunk else is_open
        if number < first:
            at, number = _skip(chunk, end, number, first)
        while at < len(chunk):
            if window.is_full(limit):
                window.is_more = True
                if count:
                    window.total = window.last + _count(chunk[at:], source, end)
                return window
            stop = chunk.find(end, at)
            upto = len(chunk) if stop < 0 else stop
            line += chunk[at : min(upto, at + max(0, LONGEST_LINE + 1 - len(line)))]
            length += upto - at
            at = upto + 1
            if stop >= 0:
                if end == "\n" and line.endswith("\r") and length == len(line):
                    line, length = line.removesuffix("\r"), length - 1
                window.add(line, length)
                line, length, number = "", 0, number + 1
    if length:
        window.add(line, length)
    window.total = window.last if window.lines else number - 1 + is_open
    return window


def _skip(chunk: str, end: str, number: int, first: int) -> tuple[int, int]:
    """Where in `chunk` line `first` begins, or its end; and the number of the line there."""
    there = chunk.count(end)
    if number + there < first:
        return len(chunk), number + there
    at = 0
    while number < first:
        at = chunk.index(end, at) + 1
        number += 1
    return at, number


def _count(rest: str, source: Iterator[str], end: str) -> int:
    lines, last = rest.count(end), rest[-1:]
    for chunk in source:
        lines, last = lines + chunk.count(end), chunk[-1:] or last
    return lines + (last != end)
