"""Filling passages: a section that fits is one, small neighbours are joined, what is too large is cut."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ally.rag.chunking.cutting import Cutter
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.chunking.paths import Paths
from ally.rag.chunking.sections import Region, Section

_WORDS = re.compile(r"[^\W_].*")
"""The rest of a line from its first letter or number on."""
_SMALL = 1 / 3
"""What has less than this share of the target is joined with a neighbour that is another section."""
_TINY = 1 / 5
"""What has less than this share of the target may fill a passage above the target."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters `start` up to `end`; `section` is the deepest that holds them all, or is named for them.

    `is_whole` says that nothing of the section it came from lies outside of it.
    """

    start: int
    end: int
    section: Section
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Packer:
    """Packs the regions of one document. `has_titles` says that headings are lines of their own, as in prose."""

    cutter: Cutter
    paths: Paths
    limits: ChunkLimits
    has_titles: bool

    def pack(self, region: Region) -> list[Piece]:
        """The pieces of a region in order; together they are all of it but blank space and lone headings."""
        pieces = self._pack(region.root, region.header)
        kept = pieces[-1:]
        for piece in reversed(pieces[:-1]):
            if not self._is_heading(piece) or piece.section not in kept[-1].section.upwards():
                kept.append(piece)
        return kept[::-1]

    def goal(self, section: Section, header: str) -> float:
        """Tokens to fill a passage of the section with, its headings not counted."""
        return max(1, min(self.limits.target_tokens, self.limits.max_tokens) - self.paths.of(section, header).tokens)

    def _room(self, section: Section, header: str) -> float:
        return max(1, self.limits.max_tokens - self.paths.of(section, header).tokens)

    def _pack(self, section: Section, header: str) -> list[Piece]:
        if not self._has_text(section.start, section.end):
            return []
        if self._tokens(section.start, section.end) <= self._room(section, header):
            return [Piece(section.start, section.end, self._narrowed(section))]
        pieces: list[Piece] = []
        for run in self._runs(section, header):
            is_whole = len(run) == 1
            for part in run:
                piece = Piece(part.start, part.end, part.section, is_whole)
                if pieces and (joined := self._joined(pieces[-1], piece, section, header)):
                    pieces[-1] = joined
                else:
                    pieces.append(piece)
        return pieces

    def _runs(self, section: Section, header: str) -> Iterator[list[Piece]]:
        """The pieces of each child, and those of the text around the children."""
        goal = self.goal(section, header)
        position = section.start
        for child in [*section.children, None]:
            stop = section.end if child is None else child.start
            if self._has_text(position, stop):
                yield [Piece(start, end, section) for start, end in self.cutter.cut(position, stop, goal)]
            if child is not None:
                yield self._pack(child, header)
                position = child.end

    def _joined(self, left: Piece, right: Piece, section: Section, header: str) -> Piece | None:
        """Both as one, if that is better than each alone."""
        tokens = self._tokens(left.start, left.end), self._tokens(right.start, right.end)
        if self._is_bracket(right) and sum(tokens) <= self._room(left.section, header):
            return Piece(left.start, right.end, left.section, left.is_whole)
        if self._is_heading(left) and sum(tokens) <= self._room(right.section, header):
            named = right.section if left.section in right.section.upwards() else section
            return Piece(left.start, right.end, named, right.is_whole)
        goal = self.goal(section, header)
        if self._is_opening(left, goal) and sum(tokens) <= self._room(right.section, header) and not right.is_whole:
            return Piece(left.start, right.end, right.section, is_whole=False)
        most = self._room(section, header) if tokens[1] < goal * _TINY else goal
        if left.is_whole and right.is_whole and sum(tokens) <= most and min(tokens) < goal * _SMALL:
            return Piece(left.start, right.end, section)
        return None

    def _narrowed(self, section: Section) -> Section:
        """The deepest section that has all the text of `section` but headings."""
        while len(section.children) == 1:
            (child,) = section.children
            before = Piece(section.start, child.start, section)
            if self._has_text(child.end, section.end):
                break
            if self._has_text(section.start, child.start) and not self._is_heading(before):
                break
            section = child
        return section

    def _is_heading(self, piece: Piece) -> bool:
        """Whether there is nothing but the heading: one line with letters, whatever underlines it."""
        is_beginning = piece.section.heading and piece.start == piece.section.start
        if not (self.has_titles and is_beginning) or piece.end - piece.start > 1000:
            return False
        lines = _WORDS.finditer(self.cutter.text, piece.start, piece.end)
        return next(lines, None) is None or next(lines, None) is None

    def _is_opening(self, piece: Piece, goal: float) -> bool:
        """Whether it is no more than the lines in which a block of code begins."""
        is_beginning = not self.has_titles and piece.start == piece.section.start
        return is_beginning and self._tokens(piece.start, piece.end) < goal * _SMALL

    def _is_bracket(self, piece: Piece) -> bool:
        """Whether there is nothing but what closes a block of code."""
        if self.has_titles or piece.end - piece.start > 20:
            return False
        return not any(char.isalnum() for char in self.cutter.text[piece.start : piece.end])

    def _has_text(self, start: int, end: int) -> bool:
        return start < end and not self.cutter.text[start:end].isspace()

    def _tokens(self, start: int, end: int) -> float:
        return self.cutter.tally.tokens(start, end)


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The range without blank space at its ends; the indentation of a line that it begins with stays."""
    content = text[start:end]
    first = start + len(content) - len(content.lstrip())
    last = start + len(content.rstrip())
    line = text.rfind("\n", start, first) + 1
    if line == 0:
        line = start if start == 0 or text[start - 1] == "\n" else first
    return line, max(last, line)


def is_record(format_name: str, headers: Iterable[str]) -> bool:
    """Whether the lines of a format stand for themselves."""
    return format_name.startswith("code:") or format_name in _RECORDS or any(headers)


_RECORDS = frozenset(
    ["csv", "tsv", "json", "jsonl", "yaml", "toml", "xml", "ini", "log", "xlsx", "ods", "sql", "diff", "config"]
)
