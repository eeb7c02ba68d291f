"""Cutting text without headings: paragraphs, items and lines by their indentation, sentences, words."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from ally.rag.chunking.tally import Tally

Range = tuple[int, int]

_HEAD = 200
"""Characters that are looked at to know what a line is."""
_FENCE = re.compile(r"\s*(`{3,}(?=[^`\n]*$)|~{3,})")
_ITEM = re.compile(r"\s*(?:[-*+\u2022\u2023\u25e6\u2013]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s|\s*\|")
_TAIL = re.compile(r"\s*(?:[)\]}]|(?:else|elif|except|finally|catch|end|fi|done|esac)\b)")
_LEAD = re.compile(r"\s*(?:#|//|/\*|\*|@|--)")
_STOP = re.compile(r"[.!?\u2026][\"'\u201d\u2019\u00bb)\]]{0,3}\s(?=\s*[^a-z\s])|[\u3002\uff01\uff1f]")
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|cf|vs|resp|approx|[Ff]igs?|[Nn]o|vol|pp?|Dr|Mrs?|Ms|Prof|St|[A-Z])\.\Z")
_TINY = 1 / 4
"""What has less than this share of the goal should not stand alone."""
_NESTED = 12
"""How deep indentation is followed."""
_WINDOW = 100_000
"""Characters of a text without headings that are cut together."""
_LEAST = 30
"""Characters of a block that is worth a look of its own."""
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that belong together, with the blank ones after them.

    A tail closes what was opened before; a lead, a comment or decorator, is about what follows.
    """

    start: int
    end: int
    indent: int
    is_tail: bool = False
    is_lead: bool = False
    is_lines: bool = False


@dataclass(slots=True)
class Cutter:
    """Cuts one text. `is_lines` says that its lines are records or code, not wrapped prose.

    `slack` is how many tokens more than the goal a piece may have, so that none of a few words is left over.
    """

    text: str
    tally: Tally
    is_lines: bool
    slack: float = 0

    def cut(self, start: int, end: int, goal: float) -> list[Range]:
        """Adjoining ranges that together are `start` up to `end`, each of about `goal` tokens at most."""
        ranges: list[Range] = []
        while start < end:
            stop = self._window(start, end)
            if self.tally.tokens(start, stop) <= goal:
                ranges.append((start, stop))
            else:
                ranges += self._groups(_fused(self._blocks(start, stop)), goal, 0)
            start = stop
        return ranges

    def _window(self, start: int, end: int) -> int:
        """Where to stop looking at the whole, so that the memory needed does not grow with the text."""
        if end - start <= 2 * _WINDOW:
            return end
        stop = start + _WINDOW
        for white in ("\n\n", "\n", " "):
            if (found := self.text.rfind(white, stop - _WINDOW // 4, stop)) >= 0:
                return found + len(white)
        return self._between_characters(start, stop)

    def split(self, start: int, end: int, goal: float) -> list[Range]:
        """As `cut`, but two at least, of which none is empty."""
        ranges = self.cut(start, end, goal)
        if len(ranges) > 1:
            return ranges
        middle = self._between_characters(start, (start + end) // 2)
        return [(start, middle), (middle, end)]

    def _groups(self, blocks: list[_Block], goal: float, depth: int) -> list[Range]:
        """Keep together what is indented below the same block."""
        start, end = blocks[0].start, blocks[-1].end
        if self.tally.tokens(start, end) <= goal:
            return [(start, end)]
        if len(blocks) == 1:
            return self._block(blocks[0], goal)
        groups = _by_indent(blocks) if depth < _NESTED else [[block] for block in blocks]
        if len(groups) == 1:
            head = next((number for number, block in enumerate(blocks[:-1], 1) if not block.is_lead), 1)
            groups = [blocks[:head], *_by_indent(blocks[head:])]
        return self._gather((self._groups(group, goal, depth + 1) for group in groups), goal)

    def _block(self, block: _Block, goal: float) -> list[Range]:
        lines = list(_lines(self.text, block.start, block.end))
        if self.is_lines or block.is_lines:
            units = _fused(self._described(*line) for line in lines)
            if len(units) > 1:
                return self._groups(units, goal, 0)
        if len(lines) > 2 and (items := self._items(lines)):
            return self._gather((self._sentences(item, goal) for item in items), goal)
        return self._sentences((block.start, block.end), goal)

    def _items(self, lines: list[Range]) -> list[Range]:
        """The items of a list, the rows of a table, or single lines where they are no wrapped prose; else none."""
        texts = [self.text[start : min(start + _HEAD, end)] for start, end in lines]
        starts = [line[0] for line, text in zip(lines, texts, strict=True) if _ITEM.match(text)]
        if len(starts) < 2:
            wrapped = sum(text.lstrip()[:1].islower() for text in texts[1:])
            if wrapped * 10 >= len(lines) * 3:
                return []
            return lines
        bounds = [*sorted({lines[0][0], *starts}), lines[-1][1]]
        return list(pairwise(bounds))

    def _sentences(self, stretch: Range, goal: float) -> list[Range]:
        start, end = stretch
        if self.tally.tokens(start, end) <= goal:
            return [stretch]
        bounds = [start]
        for stop in _STOP.finditer(self.text, start, end):
            if stop.end() < end and not _ABBREVIATED.search(self.text, max(start, stop.start() - 8), stop.start() + 1):
                bounds.append(stop.end())
        bounds.append(end)
        sentences = pairwise(bounds)
        return self._merge((piece for sentence in sentences for piece in self._words(sentence, goal)), goal)

    def _words(self, stretch: Range, goal: float) -> Iterator[Range]:
        """Pieces of equal size that end with a line or a word if they can, else between two characters."""
        start, end = stretch
        count = ceil(self.tally.tokens(start, end) / goal)
        size = max(1, (end - start) // max(1, count))
        while end - start > size + size // 4:
            stop = start + size
            cut = max(self.text.rfind(white, start + size // 2, stop) for white in " \n\t") + 1
            cut = cut or self._between_characters(start, stop)
            yield start, cut
            start = cut
        yield start, end

    def _between_characters(self, start: int, stop: int) -> int:
        """The last place up to `stop` where no accent or joined sign is torn off."""
        for cut in range(stop, max(start, stop - 32), -1):
            after = self.text[cut]
            if not (unicodedata.combining(after) or after in _JOINERS or self.text[cut - 1] == "\u200d"):
                return cut
        return stop

    def _gather(self, groups: Iterable[list[Range]], goal: float) -> list[Range]:
        """Join whole groups up to `goal`; one that had to be cut shares its pieces with no other, but for tiny ones."""
        gathered: list[Range] = []
        wholes: list[Range] = []
        for group in groups:
            if len(group) == 1:
                wholes += group
                continue
            gathered += self._merge(wholes, goal) + group
            wholes = []
        return self._settled(gathered + self._merge(wholes, goal), goal)

    def _settled(self, pieces: list[Range], goal: float) -> list[Range]:
        """Join each tiny piece with the one before or after that it belongs to, into the room above the goal."""
        settled: list[Range] = []
        for index, piece in enumerate(pieces):
            after = pieces[index + 1] if index + 1 < len(pieces) else None
            if settled:
                both = settled[-1][0], piece[1]
                tiny = min(self.tally.tokens(*settled[-1]), self.tally.tokens(*piece)) < goal * _TINY
                fits = self.tally.tokens(*both) <= goal + self.slack
                waits = after is not None and self._leads(piece, after) and not self._leads(settled[-1], piece)
                if tiny and fits and not waits:
                    settled[-1] = both
                    continue
            settled.append(piece)
        return settled

    def _leads(self, piece: Range, after: Range) -> bool:
        """Whether a piece belongs to what follows: it announces that, or that is indented below it."""
        return self._announces(piece) or self._indent(after) > self._indent(piece)

    def _indent(self, piece: Range) -> int:
        head = self.text[piece[0] : min(piece[0] + _HEAD, piece[1])].lstrip("\n")
        return len(head) - len(head.lstrip())

    def _merge(self, pieces: Iterable[Range], goal: float) -> list[Range]:
        """Join neighbours up to `goal`, into pieces of about the same size."""
        ranges = list(pieces)
        if not ranges:
            return []
        tokens = [self.tally.tokens(*piece) for piece in ranges]
        total = sum(tokens)
        aim = total / max(1, ceil(total / goal))
        merged: list[Range] = []
        first, size = 0, 0.0
        for index, more in enumerate(tokens):
            if size and (size + more > goal or size + more / 2 > aim):
                last = index
                if last - first > 1 and self._announces(ranges[last - 1]) and tokens[last - 1] + more <= goal:
                    last -= 1
                merged.append((ranges[first][0], ranges[last][0]))
                first, size = last, sum(tokens[last:index])
            size += more
        merged.append((ranges[first][0], ranges[-1][1]))
        return self._settled(merged, goal)

    def _announces(self, piece: Range) -> bool:
        """Whether it ends with a colon and belongs to what follows."""
        return self.text[max(piece[0], piece[1] - 20) : piece[1]].rstrip().endswith(":")

    def _blocks(self, start: int, end: int) -> Iterator[_Block]:
        """Paragraphs, and what is fenced in, each with the blank lines after it."""
        opened, fence = start, ""
        has_text = is_over = False
        for line_start, line_end in _lines(self.text, start, end):
            head = self.text[line_start : min(line_start + _HEAD, line_end)]
            mark = None if self.is_lines else _FENCE.match(head)
            if fence:
                if mark and mark[1].startswith(fence):
                    fence, is_over = "", True
                continue
            if not head.strip():
                is_over = has_text
                continue
            if has_text and (is_over or mark):
                yield self._described(opened, line_start)
                opened = line_start
            has_text, is_over = True, False
            if mark:
                fence = mark[1]
        yield self._described(opened, end)

    def _described(self, start: int, end: int) -> _Block:
        head = self.text[start : min(start + _HEAD, end)].lstrip("\n")
        is_fence = not self.is_lines and _FENCE.match(head) is not None
        is_lead = self.is_lines and _LEAD.match(head) is not None and not self.text.endswith("\n\n", start, end)
        return _Block(start, end, len(head) - len(head.lstrip()), _TAIL.match(head) is not None, is_lead, is_fence)


def _fused(blocks: Iterable[_Block]) -> list[_Block]:
    """The blocks, those of a few letters together with the next of the same indentation."""
    fused: list[_Block] = []
    for block in blocks:
        last = fused[-1] if fused else None
        if last and last.end - last.start < _LEAST and last.indent == block.indent and not block.is_lines:
            fused[-1] = _Block(last.start, block.end, last.indent, last.is_tail, block.is_lead, last.is_lines)
        else:
            fused.append(block)
    return fused


def _by_indent(blocks: list[_Block]) -> list[list[_Block]]:
    """Each block with the deeper ones, and the tails, that follow it."""
    groups = [[blocks[0]]]
    base = blocks[0].indent
    for block in blocks[1:]:
        is_led = groups[-1][-1].is_lead and block.indent == base
        if block.indent <= base and not block.is_tail and not is_led:
            groups.append([block])
            base = block.indent
        else:
            groups[-1].append(block)
    return groups


def _lines(text: str, start: int, end: int) -> Iterator[Range]:
    """The lines between `start` and `end`, each with its \\n."""
    while start < end:
        stop = text.find("\n", start, end) + 1 or end
        yield start, stop
        start = stop
