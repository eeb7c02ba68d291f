"""A list over the composer: what may be taken, the chosen line marked."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from ally.terminal.text import visible

MAX_ROWS = 8
_CHOSEN, _OTHER = "> ", "  "
_HELP_AT = 40
_GAP = 2


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list. `value` is what is taken, `hits` are the characters of `label` that were asked for."""

    value: str
    label: str
    hits: tuple[int, ...] = ()
    help: str = ""


class Popup(Widget):
    """Shows some rows around the chosen one above the composer, over what is there. It never takes the keys."""

    DEFAULT_CSS = """
    Popup {
        display: none;
        overlay: screen;
        constrain: none inside;
        height: auto;
        width: 100%;
        background: $panel;
        color: $foreground;
    }
    """
    can_focus = False

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()
        self.chosen: int | None = None
        self.title = ""

    @property
    def is_open(self) -> bool:
        """Whether something can be taken."""
        return self.chosen is not None

    @property
    def row(self) -> Row | None:
        """The chosen one."""
        return self.rows[self.chosen] if self.chosen is not None else None

    def show_rows(self, rows: Sequence[Row], *, title: str = "", can_take: bool = True) -> None:
        """Show `rows`, the first one chosen; without any, or a title, nothing."""
        self.rows, self.title = rows, title
        self.chosen = 0 if rows and can_take else None
        self._draw()

    def hide(self) -> None:
        """Show nothing."""
        if self.display:
            self.show_rows(())

    def move(self, step: int) -> None:
        """Choose the row `step` further, around the ends."""
        if self.chosen is not None:
            self.chosen = (self.chosen + step) % len(self.rows)
            self._draw()

    def _draw(self) -> None:
        height = self._height()
        self.display = height > 0
        self.styles.height = max(1, height)
        self.styles.offset = (0, -height)
        self.refresh(layout=True)

    def _height(self) -> int:
        room = max(1, min(MAX_ROWS, self.screen.size.height // 2))
        return min(len(self.rows), room) + (1 if self.title else 0)

    def render(self) -> Text:
        """The rows that fit, the chosen one among them."""
        shown = self._height() - (1 if self.title else 0)
        chosen = self.chosen or 0
        first = max(0, min(chosen - shown // 2, len(self.rows) - shown))
        rows = self.rows[first : first + shown]
        names = [visible(row.label.replace("\n", " ")) for row in rows]
        width = min(max((Text(name).cell_len for name in names), default=0), _HELP_AT) + _GAP
        lines = [Text(self.title, Style(dim=True))] if self.title else []
        for number, (row, name) in enumerate(zip(rows, names, strict=True), first):
            lines.append(_line(row, name, width, is_chosen=number == self.chosen))
        for number, line in enumerate(lines, first - (1 if self.title else 0)):
            line.truncate(max(1, self.size.width), overflow="ellipsis", pad=True)
            if number == self.chosen:
                line.stylize(Style(bold=True, reverse=True))
        return Text("\n", no_wrap=True, end="").join(lines)


def _line(row: Row, name: str, width: int, *, is_chosen: bool) -> Text:
    label = Text(name)
    if name == row.label:
        for at in row.hits:
            label.stylize(Style(bold=True, underline=True), at, at + 1)
    line = Text(_CHOSEN if is_chosen else _OTHER)
    line.append_text(label)
    if row.help:
        line.append(" " * max(_GAP, width - label.cell_len))
        line.append(visible(row.help.replace("\n", " ")), Style(dim=not is_chosen))
    return line
