"""All of the transcript for the terminal's own scrollback."""

from collections.abc import Iterator

from textual.strip import Strip

from ally.tui.look import Look
from ally.tui.transcript.block import Block
from ally.tui.transcript.parted import Parted


def printed(blocks: Iterator[Block], columns: int, look: Look) -> Iterator[Strip]:
    """Its rows, as open as it is now, none wider than `columns`; nothing of them is kept."""
    was_tight: bool | None = None
    for block in blocks:
        rows = _rows(block, max(1, columns), look)
        first = next(rows, None)
        if first is None:
            continue
        if was_tight is not None and not (was_tight and block.is_tight):
            yield Strip([])
        yield first
        yield from rows
        was_tight = block.is_tight


def _rows(block: Block, columns: int, look: Look) -> Iterator[Strip]:
    if isinstance(block, Parted):
        for part in block.parts:
            yield from part.lines(columns, look)
    else:
        yield from block.lines(columns, look)
