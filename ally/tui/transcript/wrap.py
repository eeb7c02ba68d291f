"""Text folded between words into rows that know what of them is text."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ally.tui.transcript.rows import Piece, fold

TAB = "    "
_LEAST_ROOM = 8
_WIDE = 2
_NO_TEXT = "│ ✗▸▾\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
"""Of what stands at the left this is not copied; bullets and numbers are."""

Prefix = Sequence[Piece]
"""What stands at the left of the text: marks, bars, indentation."""


class Row(Strip):
    """A strip that can be copied as it was written.

    `margin` counts the characters before the text. `joint` is what stood between the row before and this one, None for
    a line feed.
    """

    __slots__ = ("joint", "margin")

    def __init__(self, segments: Iterable[Segment], margin: int = 0, joint: str | None = None) -> None:
        super().__init__(segments)
        self.margin = margin
        self.joint = joint


def wrap(
    pieces: Sequence[Piece], width: int, lead: Prefix = (), rest: Prefix | None = None, *, by_word: bool = True
) -> list[Row]:
    """Rows of at most `width` columns; line feeds in the pieces begin new ones, each piece is clean and without tabs.

    The first row begins with `lead`, the others with `rest`. Where hardly any room is left they are left out.
    """
    before = (lead, lead if rest is None else rest)
    if width - max(map(_columns, before)) < min(_LEAST_ROOM, width):
        before = ((), ())
    text = "".join(part for part, _ in pieces)
    if len(text) <= width - _columns(before[0]) and text.isascii() and "\n" not in text:
        return [Row([Segment(*part) for part in (*before[0], *pieces)], _margin(before[0]))]
    ends = list(accumulate(len(part) for part, _ in pieces))
    rows: list[Row] = []
    begin = 0
    for line in text.split("\n"):
        room = width - _columns(before[bool(rows)])
        rooms = room, width - _columns(before[1])
        if rooms[0] < _WIDE or rooms[1] < _WIDE:
            styled = list(_styled(pieces, ends, begin, begin + len(line)))
            rows += [Row(cells, 0, "" if at else None) for at, cells in enumerate(fold(styled, width))]
        else:
            rows += _lines(line, begin, (pieces, ends), rooms, before if not rows else (before[1], before[1]), by_word)
        begin += len(line) + 1
    return rows


def _lines(
    line: str,
    begin: int,
    styled: tuple[Sequence[Piece], list[int]],
    rooms: tuple[int, int],
    before: tuple[Prefix, Prefix],
    by_word: bool,
) -> Iterable[Row]:
    """The rows of one line that begins at `begin` of all the text."""
    cuts, whole = _cuts(line, rooms, by_word)
    pieces, ends = styled
    last = None
    for start, stop in cuts:
        prefix = before[last is not None]
        segments = [Segment(text, style) for text, style in prefix]
        parts = _styled(pieces, ends, begin + start, begin + stop)
        segments += [Segment(text, style) for text, style in (parts if whole is None else _whole(parts, start, whole))]
        joint = None if last is None else line[last:start]
        yield Row(segments, _margin(prefix, joint), joint)
        last = stop


def _margin(prefix: Prefix, joint: str | None = None) -> int:
    shown = "".join(text for text, _ in prefix)
    return len(shown) if joint is not None or not shown.strip(_NO_TEXT) else 0


def _columns(prefix: Prefix) -> int:
    return sum(cell_len(text) for text, _ in prefix)


def _styled(pieces: Sequence[Piece], ends: list[int], start: int, stop: int) -> Iterable[Piece]:
    """What of the pieces lies between two places."""
    from_ = 0
    for (text, style), end in zip(pieces, ends, strict=True):
        if end > start and from_ < stop:
            yield text[max(0, start - from_) : stop - from_], style
        from_ = end
        if from_ >= stop:
            break


def _whole(parts: Iterable[Piece], start: int, whole: set[int]) -> Iterable[Piece]:
    """The same text, no character torn from what joins it: that takes the style of its beginning."""
    kept, style = "", None
    for text, own in parts:
        for at, char in enumerate(text):
            if start + at in whole and own is not style:
                if kept and style is not None:
                    yield kept, style
                kept, style = "", own
            kept += char
        start += len(text)
    if kept:
        yield kept, style or Style()


def _cuts(line: str, rooms: tuple[int, int], by_word: bool) -> tuple[list[tuple[int, int]], set[int] | None]:
    """Where rows begin and end, spaces between them left out, and where characters begin if some are joined."""
    if line.isascii():
        return _ascii_cuts(line, rooms, by_word), None
    spans, columns = split_graphemes(line)
    whole = {start for start, _, _ in spans}
    if columns <= rooms[0]:
        return [(0, len(line))], whole
    return list(_cell_cuts(line, spans, rooms, by_word)), whole


def _ascii_cuts(line: str, rooms: tuple[int, int], by_word: bool) -> list[tuple[int, int]]:
    cuts: list[tuple[int, int]] = []
    start, size = 0, len(line)
    while size - start > (room := rooms[bool(cuts)]):
        place = line.rfind(" ", start, start + room + 1) if by_word else -1
        head = line[start:place].rstrip(" ") if place > start else ""
        if head:
            cuts.append((start, start + len(head)))
            start = place
            while start < size and line[start] == " ":
                start += 1
        else:
            cuts.append((start, start + room))
            start += room
    if start < size or not cuts:
        cuts.append((start, size))
    return cuts


def _cell_cuts(
    line: str, spans: Sequence[tuple[int, int, int]], rooms: tuple[int, int], by_word: bool
) -> Iterable[tuple[int, int]]:
    """As for ASCII; a row may also end after each wide character."""
    at, row = 0, 0
    while at < len(spans):
        begin, used, gap = at, 0, None
        while at < len(spans) and used + spans[at][2] <= rooms[bool(row)]:
            start, _, cells = spans[at]
            used += cells
            at += 1
            if by_word and (line[start] == " " or cells == _WIDE):
                gap = at
        if at < len(spans) and by_word and line[spans[at][0]] != " " and gap is not None:
            at = gap
        text = line[spans[begin][0] : spans[at - 1][1]]
        head = text.rstrip(" ") if by_word and at < len(spans) else text
        yield spans[begin][0], spans[begin][0] + len(head or text)
        while by_word and head and 0 < at < len(spans) and line[spans[at][0]] == " ":
            at += 1
        row += 1


def plain(rows: Iterable[Strip]) -> str:
    """The text of rows as it was written."""
    return together((row.joint, row.text[row.margin :]) if isinstance(row, Row) else (None, row.text) for row in rows)


def together(parts: Iterable[tuple[str | None, str]]) -> str:
    """Texts with what joined them, None for a line feed; the first joint is left out."""
    texts: list[str] = []
    for joint, text in parts:
        if texts and joint is None:
            texts[-1] = texts[-1].rstrip()
        texts += ["\n" if joint is None else joint, text]
    return "".join(texts[1:]).rstrip(" ")
