"""The text between two places of the transcript, as it was written."""

from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from ally.tui.transcript.stack import Stack
from ally.tui.transcript.wrap import Row, together


def selected_text(stack: Stack, selection: Selection, gutter: int) -> str:
    """What is selected; places are characters of a row, `gutter` of which stand before it, and keys of rows."""
    start, end = selection.start, selection.end
    index = 0 if start is None else stack.index(start.y)
    parts: list[tuple[str | None, str]] = []
    while index < len(stack.units):
        stack.find(index)
        unit = stack.units[index]
        if end is not None and unit.key > end.y:
            break
        below = unit.part.lines(stack.width, stack.look) if unit.part is not None else ()
        rows = [*[Strip([])] * unit.gap, *below]
        for number, row in enumerate(rows):
            key = unit.key + number
            if start is not None and key < start.y:
                continue
            if end is not None and key > end.y:
                break
            parts.append(_part(row, key, (start, end), gutter))
        index += 1
    return together(parts)


def _part(row: Strip, key: int, bounds: tuple[Offset | None, Offset | None], gutter: int) -> tuple[str | None, str]:
    """What joins a row to the one before, and what of it is selected."""
    start, end = bounds
    margin, joint = (row.margin, row.joint) if isinstance(row, Row) else (0, None)
    left = max(margin, start.x - gutter if start is not None and key == start.y else 0)
    right = max(left, end.x - gutter) if end is not None and key == end.y else None
    return joint, row.text[left:right]
