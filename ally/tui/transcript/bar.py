"""The scrollbar of the transcript."""

from typing import cast

from rich.color import Color
from rich.style import Style
from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

_PLAIN = Color.default()


class Bar(ScrollBar):
    """Textual's scrollbar, painted row by row: by way of Rich it would cost more than all the rows beside it."""

    def __init__(self) -> None:
        super().__init__(vertical=True, name="vertical")

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows to paint."""
        bar = cast("ScrollBarRender", self.render())
        style = cast("Style", bar.style)
        width, height = self.size
        cells = bar.render_bar(
            size=height,
            virtual_size=bar.virtual_size,
            window_size=bar.window_size,
            position=bar.position,
            thickness=width,
            back_color=style.bgcolor or _PLAIN,
            bar_color=style.color or _PLAIN,
        ).segments
        _, background = self.background_colors
        made: dict[int, Strip] = {}
        for cell in cells:
            if id(cell) not in made:
                strip = Strip([cell], width)
                for each in self.get_line_filters():
                    strip = strip.apply_filter(each, background)
                made[id(cell)] = strip
        rows = [made[id(cell)] for cell in cells]
        return rows[crop.y : crop.bottom]
