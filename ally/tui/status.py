"""The line that says what answers, where, with which rights and at what cost, and what runs now."""

import math
import os
import time
from typing import TYPE_CHECKING

from rich.text import Text
from textual.geometry import Size
from textual.widget import Widget

from ally.tui.status_parts import Part, busy_parts, fitted, parts_of
from ally.tui.themes import look_of

if TYPE_CHECKING:
    from textual.timer import Timer

    from ally.chat.standing import Standing

NARROW_COLUMNS, ENOUGH_ROWS = 60, 12
"""On a narrower screen of at least so many rows there are two lines."""

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PLAIN_FRAMES = "|/-\\"
"""For the Linux console, whose font has no others."""

_FRAME_S = 0.1
_COUNT_S = 1.0


class StatusLine(Widget):
    """One line, or two; it is painted at most ten times a second, and not at all while nothing changes."""

    DEFAULT_CSS = "StatusLine { height: auto; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._now: Standing | None = None
        self._text = ""
        self._since: float | None = None
        self._until: float | None = None
        self._timer: Timer | None = None
        self._is_painted = self._is_stale = False
        self._frames = PLAIN_FRAMES if os.environ.get("TERM") == "linux" else FRAMES

    def show(self, standing: "Standing") -> None:
        """How the chat stands now."""
        if standing != self._now:
            self._now = standing
            self._paint()

    def busy(self, text: str, since: float | None, until: float | None = None) -> None:
        """What runs now, since when and, for what waits, until when (monotonic seconds); empty text: nothing runs."""
        if (text, since, until) == (self._text, self._since, self._until):
            return
        self._text, self._since, self._until = text, since, until
        self._count()
        self._paint()

    def on_mount(self) -> None:
        """Count what runs already."""
        self._count()

    def on_unmount(self) -> None:
        """Stop counting."""
        self._text = ""
        self._count()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Two lines where one is too short, and there is room for it."""
        return 2 if viewport.width < NARROW_COLUMNS and viewport.height >= ENOUGH_ROWS else 1

    def render(self) -> Text:
        """The lines, as wide as there is room."""
        look = look_of(self.app.current_theme, has_color=not self.app.no_color)  # pyright: ignore[reportUnknownMemberType] - Textual leaves App's result open
        text = Text(no_wrap=True, overflow="crop", end="")
        for row, line in enumerate(fitted(self._parts(), self.content_size.width, self.content_size.height)):
            text.append("\n" * bool(row))
            for place, (shown, meaning) in enumerate(line):
                text.append(" · " * bool(place), look.dim)
                text.append(shown, getattr(look, meaning))
        return text

    def _parts(self) -> list[Part]:
        now = time.monotonic()
        parts = [] if self._now is None else parts_of(self._now)
        if not self._text:
            return parts
        seconds = None if self._since is None else max(0, int(now - self._since))
        left = None if self._until is None else max(0, math.ceil(self._until - now))
        is_counting = self._since is not None or self._until is not None
        frame = self._frames[int(now / _FRAME_S) % len(self._frames)] if is_counting and self._is_animated else ""
        return [*busy_parts(self._text, frame, seconds, left), *parts]

    @property
    def _is_animated(self) -> bool:
        return self.app.animation_level != "none" and not os.environ.get("NO_MOTION")  # pyright: ignore[reportUnknownMemberType] - as above

    def _count(self) -> None:
        """Count while something runs, and only then."""
        is_counting = bool(self._text) and (self._since is not None or self._until is not None)
        if is_counting and self._timer is None and self.is_attached:
            self._timer = self.set_interval(_FRAME_S if self._is_animated else _COUNT_S, self._paint)
        elif not is_counting and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _paint(self) -> None:
        """Paint now, or as soon as a tenth of a second has passed since it was painted last."""
        if self._is_painted or not self.is_attached:
            self._is_stale = True
            return
        self.refresh()
        self._is_painted, self._is_stale = True, False
        self.set_timer(_FRAME_S * 0.9, self._paint_again)

    def _paint_again(self) -> None:
        self._is_painted = False
        if self._is_stale:
            self._paint()
