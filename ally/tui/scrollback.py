"""The transcript as lines for the terminal's own scrollback."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ally.tui.look import Look
from ally.tui.manners import safe
from ally.tui.transcript.printed import printed

if TYPE_CHECKING:
    from ally.tui.transcript.block import Block

MOST_LINES = 10_000
"""More would take longer than a second to make, and few terminals keep it."""

_CUT = "(The beginning is left out: ally sessions show tells all of it.)"


def last_lines(blocks: "Sequence[Block]", columns: int, look: Look, most: int = MOST_LINES) -> list[Strip]:
    """The last `most` lines of `blocks`, with a line that says so if there are more; only these are made."""
    rows: deque[Strip] = deque()
    after: Block | None = None
    for block in reversed(blocks):
        own = list(printed(iter([block]), columns, look))
        if not own:
            continue
        if after is not None and not (block.is_tight and after.is_tight):
            rows.appendleft(Strip([]))
        rows.extendleft(reversed(own))
        after = block
        if len(rows) > most:
            return [Strip([Segment(_CUT)]), *list(rows)[-most:]]
    return list(rows)


def as_text(lines: Sequence[Strip], system: ColorSystem | None) -> Iterator[str]:
    """Each line with its styles as control sequences of our own making; without colours where `system` is None."""
    marks: dict[Style, tuple[str, str]] = {}
    for line in lines:
        parts: list[str] = []
        for text, style, control in line:
            if control:
                continue
            if style is None:
                parts.append(safe(text))
                continue
            if (mark := marks.get(style)) is None:
                mark = marks[style] = _marks(style, system)
            parts.append(f"{mark[0]}{safe(text)}{mark[1]}")
        yield "".join(parts).rstrip(" ")


def _marks(style: Style, system: ColorSystem | None) -> tuple[str, str]:
    shown = (style if system is not None else style.without_color).update_link(None)
    before, _, after = shown.render("\n", color_system=system or ColorSystem.STANDARD).partition("\n")
    return before, after
