"""Blocks that may be long: made of parts, of which only those that are seen are drawn."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from textual.strip import Strip

from ally.terminal.text import clean
from ally.tui.look import Look
from ally.tui.transcript.block import Block
from ally.tui.transcript.leaves import Leaf, Section, Words, guess

_MOST_LEAVES = 24
_MOST_CHARS = 2_000
_MOST_LINES = 24
_GUESSED_COLUMNS = 80


class Part(Protocol):
    """Rows that are drawn together; `version` grows when they change."""

    @property
    def version(self) -> int: ...

    def lines(self, width: int, look: Look) -> Sequence[Strip]: ...


class Parted(Block):
    """A block in parts. `is_read` is False as long as finding them costs time; until then there is `guess`."""

    @property
    @abstractmethod
    def parts(self) -> Sequence[Section]:
        """Its parts, from top to bottom; those that were there stay the same objects."""

    @property
    def is_read(self) -> bool:
        """Whether `parts` are at hand."""
        return True

    def guess(self, width: int) -> int:
        """About how many rows it has."""
        return sum(part.guess(width) for part in self.parts)

    def lines(self, width: int, look: Look) -> Sequence[Strip]:
        """The rows of all parts."""
        return [row for part in self.parts for row in part.lines(width, look)]


class Reading(Protocol):
    """Makes leaves of a stream of text."""

    done: list[Leaf]

    def feed(self, text: str) -> None:
        """More text."""
        ...

    def end(self) -> None:
        """Nothing more comes."""
        ...

    def unfinished(self) -> list[Leaf]:
        """What there is beyond `done`."""
        ...


class Growing(Parted):
    """A block that text is added to until `end`, or all of a text that is read when it is first looked at."""

    indent = 0
    """Columns between the block's place and its text."""

    def __init__(self, reader: Reading, text: str = "") -> None:
        self._reader = reader
        self._texts = [text] if text else []
        self._news = self._texts[:]
        self._parts: list[Section] = []
        self._tail = Section(indent=self.indent)
        self._is_over = bool(text)

    def add(self, text: str) -> None:
        """More text."""
        self._texts.append(text)
        self._news.append(text)
        self.version += 1

    def end(self) -> None:
        """Nothing more comes."""
        if not self._is_over:
            self._read()
            self._is_over = True
            self._texts = ["".join(self._texts)]
            self._reader.end()
            self._take()
            self._tail = Section(indent=self.indent)
            self.version += 1

    @property
    def is_read(self) -> bool:
        """Whether all of it was read."""
        return not self._news

    @property
    def parts(self) -> Sequence[Section]:
        """What is finished, and behind it what still changes."""
        self._read()
        return [*self._parts, self._tail] if self._tail.leaves else self._parts

    def guess(self, width: int) -> int:
        """By the length of the text if it was not read yet."""
        return sum(guess(text, width) for text in self._news) if self._news else super().guess(width)

    def text(self) -> str:
        """As it came."""
        return "".join(self._texts)

    def _read(self) -> None:
        if not self._news:
            return
        self._reader.feed("".join(self._news))
        self._news.clear()
        if self._is_over:
            self._reader.end()
        self._take()
        self._tail.leaves = [] if self._is_over else self._reader.unfinished()
        self._tail.version += 1

    def _take(self) -> None:
        """Put finished leaves into parts of a handy size."""
        for leaf in self._reader.done:
            last = self._parts[-1] if self._parts else None
            if last is None or last.size >= _MOST_LEAVES:
                last = Section(indent=self.indent)
                self._parts.append(last)
            last.leaves.append(leaf)
            last.size += max(1, leaf.guess(_GUESSED_COLUMNS))
            last.version += 1
        self._reader.done.clear()


class PlainReader:
    """Text as it is, some lines at a time."""

    def __init__(self, style: str = "text", lead: str = "", rest: str = "") -> None:
        self.done: list[Leaf] = []
        self._style, self._lead, self._rest = style, lead, rest
        self._lines: list[str] = []
        self._size = 0
        self._begun = ""
        self._joint: str | None = None
        self._first: str | None = None

    def feed(self, text: str) -> None:
        """More text."""
        *lines, begun = (self._begun + clean(text)).split("\n")
        for line in lines:
            self._add(self._long(line))
        self._begun = self._long(begun)

    def end(self) -> None:
        """Nothing more comes."""
        if self._begun or self._joint is not None:
            self._add(self._begun)
        self._begun = ""
        self._close()

    def unfinished(self) -> list[Leaf]:
        """The lines beyond `done`."""
        lines = [*self._lines, self._begun] if self._begun else self._lines
        return [self._leaf(lines)] if lines else []

    def _long(self, line: str) -> str:
        while len(line) > _MOST_CHARS:
            place = line.rfind(" ", _MOST_CHARS // 2, _MOST_CHARS) + 1 or _MOST_CHARS
            self._add(line[:place])
            self._close()
            self._joint = " " * (place - len(line[:place].rstrip(" ")))
            line = line[place:]
        return line

    def _add(self, line: str) -> None:
        if len(self._lines) >= _MOST_LINES or (self._lines and self._size + len(line) > _MOST_CHARS):
            self._close()
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) == 1:
            self._first = self._joint
        self._joint = None

    def _close(self) -> None:
        if self._lines:
            self.done.append(self._leaf(self._lines))
            self._lead = self._rest
        self._lines, self._size, self._first = [], 0, None

    def _leaf(self, lines: list[str]) -> Words:
        joint = self._first if self._lines else self._joint
        text = "\n".join(lines).rstrip(" ")
        return Words(text, self._style, self._lead, self._rest, is_markdown=False, joint=joint)
