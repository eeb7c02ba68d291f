"""What lies over the rows: the selection, and that there is more below."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


def marked(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
    """`strip` with the characters from one number to another (-1: to the end) in the style of a selection."""
    start, end = span
    text = strip.text
    left = Strip([Segment(text[:start])]).cell_length
    right = strip.cell_length if end == -1 else Strip([Segment(text[:end])]).cell_length
    inner = strip.crop(left, right)
    shown = Strip([Segment(part.text, (part.style or Style()) + style) for part in inner], inner.cell_length)
    return Strip.join([strip.crop(0, left), shown, strip.crop(right)])


def hinted(strip: Strip, rows_below: int, width: int, style: Style) -> Strip:
    """`strip` with the number of rows that are further down at its right end, if there is room for that."""
    for text in (f" ↓ {rows_below:,} more lines · Ctrl-End ", f" ↓ {rows_below:,} more ", f" ↓ {rows_below} "):
        if len(text) <= width // 2:
            return Strip.join([strip.crop(0, width - len(text)), Strip([Segment(text, style)], len(text))])
    return strip
