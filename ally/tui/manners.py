"""How a full-screen program behaves: it ends when it is told to, says what broke, and gives the terminal back."""

import asyncio
import os
import signal
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor
from textual.screen import Screen
from textual.worker import WorkerFailed

from ally.terminal.text import clean

if TYPE_CHECKING:
    from ally.tui.driver import Terminal, TerminalDriver

PATIENCE_S = 4.0
"""So long an orderly end may take before the program is ended all the same."""

SIGNALS = tuple(number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None)


class Wall(LineFilter):
    """Lets nothing through that a terminal would obey, whatever part of the screen it is in."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, each with text only."""
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [Segment(safe(segment.text), segment.style, segment.control) for segment in segments]


class WithoutColors(LineFilter):
    """Drops every colour; bold, reverse and the like stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments in the terminal's own two colours."""
        return [Segment(text, style and _plain(style), control) for text, style, control in segments]


def safe(text: str) -> str:
    """One piece of a line: `text` without anything a terminal would obey; tabs and line ends as spaces."""
    return text if text.isprintable() else clean(text).replace("\t", " ").replace("\n", " ")


def _plain(style: Style) -> Style:
    return style.without_color if style.color or style.bgcolor else style


class Manners(App[int]):
    """A base for an application in a terminal. `ended_by` is the signal that ended it, `crash` what it broke of."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+z", "suspend_process", "stop, until fg", show=False)]

    terminal: "Terminal | None" = None
    ended_by: int | None = None
    crash: BaseException | None = None

    def wait_for_signals(self) -> None:
        """From here on SIGTERM and SIGHUP leave in order, and at once if they come twice; SIGINT is the key."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.end, number)
        loop.add_signal_handler(signal.SIGINT, lambda: self.simulate_key("ctrl+c"))

    def end(self, number: int) -> None:
        """Leave because of a signal."""
        if self.ended_by is not None:
            self._end_at_once()
        self.ended_by = number
        if self._loop is not None:
            self._loop.call_later(PATIENCE_S, self._end_at_once)
        self.leave()

    def leave(self) -> None:
        """Leave in order: what runs is stopped first."""
        self.exit(0)

    def lost(self) -> None:
        """There is nobody at the terminal any more."""
        if self.ended_by is None:
            self.end(getattr(signal, "SIGHUP", signal.SIGTERM))

    def _display(self, screen: Screen[Any], renderable: Any) -> None:  # Any: whatever Textual paints
        super()._display(screen, renderable)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
        if self.terminal is not None and renderable is not None and self._running and not self._batch_count:
            self.terminal.painted.set()
            self.terminal.courtesy.painted()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line goes through before it is painted."""
        filters = [one for one in super().get_line_filters() if not isinstance(one, Monochrome | NoColor)]
        return [*filters, *([_WITHOUT_COLORS] if self.no_color else ()), _WALL]

    def _end_at_once(self) -> None:
        driver = self._driver
        if driver is not None and hasattr(driver, "restore_now"):
            cast("TerminalDriver", driver).restore_now()
        os._exit(128 + (self.ended_by or signal.SIGTERM))

    def _handle_exception(self, error: Exception) -> None:
        """End; what broke is told later, without the values of variables: they may hold keys."""
        self._return_code = 1
        self.crash = self.crash or error
        if self._exception is None:
            self._exception = error
            self._exception_event.set()  # pyright: ignore[reportUnknownMemberType] - Textual gives it no type
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:  # Any: whatever Textual would show of a failure in a thread of its own
        """End; something broke where no exception is handed on."""
        self.crash = self.crash or RuntimeError("the terminal could not be read")
        self._close_messages_no_wait()


def describe_crash(error: BaseException) -> str:
    """Where and why: file, line and message, without the values of variables, and without the frames of libraries."""
    cause = error.error if isinstance(error, WorkerFailed) else error
    told = traceback.TracebackException.from_exception(cause)
    link: traceback.TracebackException | None = told
    while link is not None:
        own = [frame for frame in link.stack if _LIBRARIES not in frame.filename]
        link.stack = traceback.StackSummary.from_list(own or link.stack[-1:])
        link = link.__cause__ or link.__context__
    return clean("".join(told.format()))


_LIBRARIES = f"{os.sep}site-packages{os.sep}"
_WALL = Wall()
_WITHOUT_COLORS = WithoutColors()
