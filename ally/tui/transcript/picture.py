"""Pictures in the transcript, drawn with half blocks."""

import asyncio
from collections.abc import Callable, Sequence

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ally.terminal.text import one_line
from ally.tui.look import Look
from ally.tui.transcript.block import Block
from ally.tui.transcript.picture_pixels import Pixels, read
from ally.tui.transcript.rows import cut, tidy

MAX_COLUMNS = 80
MAX_ROWS = 24


class Picture(Block):
    """A picture in a file of PNG, JPEG, GIF or WebP; one line of facts where it cannot be drawn.

    It is decoded in a thread, in a size for `MAX_COLUMNS`; `changed` is called in the event loop afterwards.
    """

    def __init__(self, data: bytes, name: str = "", changed: Callable[[], None] | None = None) -> None:
        self._data, self._name, self.changed = data, name, changed
        self._pixels: Pixels | None = None
        self._job: asyncio.Task[None] | None = None
        self._fitted: tuple[int, Look, list[Strip]] | None = None

    def lines(self, width: int, look: Look) -> Sequence[Strip]:
        """The picture, at most `MAX_COLUMNS` by `MAX_ROWS`, and below it what it is."""
        self._decode()
        if self._pixels is None:
            return [cut([("[picture …]", look.dim)], width)]
        if self._fitted is None or self._fitted[0] != width or self._fitted[1] is not look:
            self._fitted = width, look, self._drawn(self._pixels, width, look)
        return self._fitted[2]

    def text(self) -> str:
        """What it is."""
        about = self._pixels.about if self._pixels else "picture"
        return f"[{', '.join(filter(None, (one_line(self._name), about)))}, {len(self._data):,} bytes]"

    def _drawn(self, pixels: Pixels, width: int, look: Look) -> list[Strip]:
        fact = cut([(tidy(self.text()), look.dim)], width)
        if not look.has_color or not pixels.rows:
            return [fact]
        # the nearest pixel is taken where it has to be smaller still
        tall, wide = len(pixels.rows), len(pixels.rows[0])
        columns = min(wide, width)
        height = max(1, tall * columns // wide)
        rows = [[pixels.rows[y * tall // height][x * wide // columns] for x in range(columns)] for y in range(height)]
        strips = [_half_blocks(rows[y], rows[y + 1] if y + 1 < height else None) for y in range(0, height, 2)]
        return [*strips, fact]

    def _decode(self) -> None:
        if self._pixels is not None or self._job is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # printed where nothing waits
            self._pixels = read(self._data, MAX_COLUMNS, 2 * MAX_ROWS)
            return
        self._job = loop.create_task(self._decode_aside())

    async def _decode_aside(self) -> None:
        self._pixels = await asyncio.to_thread(read, self._data, MAX_COLUMNS, 2 * MAX_ROWS)
        self.version += 1
        if self.changed:
            self.changed()


def _half_blocks(upper: Sequence[tuple[int, int, int]], lower: Sequence[tuple[int, int, int]] | None) -> Strip:
    """Two rows of pixels in one of cells; neighbours of the same colours are one segment."""
    segments: list[Segment] = []
    kept: tuple[object, object] | None = None
    for at, over in enumerate(upper):
        under = lower[at] if lower else None
        if kept == (over, under):
            segments[-1] = Segment(segments[-1].text + "▀", segments[-1].style)
            continue
        kept = over, under
        style = Style(color=Color.from_rgb(*over), bgcolor=Color.from_rgb(*under) if under else None)
        segments.append(Segment("▀", style))
    return Strip(segments)
