"""A call of a tool in the transcript: one line, or all of it."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from ally.chat.activity import outcome_of, refusal, seconds_of, subject_of, title_of
from ally.events import Question
from ally.messages import NO_WAY_ROUND, BadToolCall, ToolCall, ToolResult
from ally.terminal.table import cut as shorten
from ally.terminal.text import clean, one_line
from ally.tui.look import Look
from ally.tui.transcript.block import Block
from ally.tui.transcript.output import Output
from ally.tui.transcript.rows import Piece, cut, joined

if TYPE_CHECKING:
    from ally.tui.transcript.picture import Picture

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TURNS_PER_S = 10
_LIVE_LINES = 3
_INDENT = "  "
_NARROW = 10
_LEAST_SUBJECT = 8


class ToolCard(Block):
    """What was called, how it goes, and how it ended.

    While `is_running` its first line tells the time, so show it anew now and then: `tick` makes that happen.
    """

    can_open = True
    on_change: Callable[[], None] | None = None
    """Called in the event loop when it changed by itself, after a picture was decoded."""

    def __init__(self, call: ToolCall | BadToolCall) -> None:
        self.call = call
        self.result: ToolResult | None = None
        self._output = Output()
        self._question: Question | None = None
        self._is_asked = False
        self._refusal = ""
        self._started = time.monotonic()
        self._seconds: float | None = None
        self._shown_pictures: list[Picture] = []

    @property
    def is_running(self) -> bool:
        """Whether its end is still to come."""
        return self.result is None and not self._refusal

    def tick(self) -> None:
        """Let the first line tell the time again."""
        if self.is_running:
            self.version += 1

    def progress(self, text: str) -> None:
        """More output."""
        self._answered()
        self._output.add(text)
        self.version += 1

    def asked(self, question: Question) -> None:
        """The user is asked about it; the time until it goes on does not count."""
        self._question, self._is_asked = question, True
        self.version += 1

    def edited(self, call: ToolCall) -> None:
        """The user changed it: what runs is `call`."""
        self.call = call
        if self._question is not None and self._question.call.args != call.args:  # its preview is another one's
            self._question = None
        self.version += 1

    def denied(self, rule: str, reason: str) -> None:
        """It does not run."""
        self._refusal = refusal(rule, reason)
        self.version += 1

    def finish(self, result: ToolResult) -> None:
        """It is over."""
        self.result = result
        measured = seconds_of(result)
        if measured is None:  # one that the user was asked about began nobody knows when
            measured = 0.0 if self._is_asked else time.monotonic() - self._started
        self._seconds = measured
        self._output.close()
        self.version += 1

    def stop(self) -> None:
        """Its end will not come any more."""
        if self.is_running:
            self._refusal = "interrupted"
            self.version += 1

    def lines(self, width: int, look: Look) -> Sequence[Strip]:
        """One line, below it the latest output while it runs, or everything."""
        head = [cut(self._head(width, look), width)]
        if self.is_open:
            return joined([head, *self._details(width, look)])
        if self.is_running:
            live = self._output.last(_LIVE_LINES)
            return head + [cut([(f"{_INDENT}│ ", look.rule), (line, look.dim)], width) for line in live]
        return head

    def text(self) -> str:
        """Title, arguments, output and outcome."""
        call, result = self.call, self.result
        given = [call.raw, call.problem] if isinstance(call, BadToolCall) else [json.dumps(call.args, indent=2)]
        said = [result.for_model.removesuffix(NO_WAY_ROUND), result.for_user] if result else self._output.lines
        return clean("\n".join(filter(None, [title_of(call), *given, *said, self._refusal])))

    def _details(self, width: int, look: Look) -> Iterator[Sequence[Strip]]:
        """Everything below the first line."""
        from ally.tui.transcript.card_details import called, came, indented  # late: only an open card needs it

        indent = _INDENT if width > _NARROW else ""
        room = width - len(indent)
        preview = self._question.preview if self._question else ""
        for part in called(self.call, preview, self.result, look, room):
            yield indented(part, indent)
        if self.result is None:
            yield indented(self._output.strips(room, look.text), indent)
        elif not self._refusal and not isinstance(self.call, BadToolCall):
            for part in came(self.result, self._output, look, room):
                yield indented(part, indent)
            for picture in self._pictures():
                yield indented(picture.lines(room, look), indent)

    def _pictures(self) -> "list[Picture]":
        if self.result and self.result.images and not self._shown_pictures:
            from ally.tui.transcript.picture import Picture  # late: few results hold pictures

            self._shown_pictures = [Picture(image.data, changed=self._changed) for image in self.result.images]
        return self._shown_pictures

    def _changed(self) -> None:
        self.version += 1
        if self.on_change:
            self.on_change()

    def _head(self, width: int, look: Look) -> list[Piece]:
        """Of a title that is too long the subject is cut, so that the outcome is seen."""
        mark, style, outcome = self._standing(look)
        name, subject = one_line(self.call.name), subject_of(self.call)
        ending: list[Piece] = []
        if outcome:
            ending.append((f"  {outcome}", style if self._refusal or self._failed else look.dim))
        if seconds := self._duration():
            ending.append((f"  {seconds}", look.dim))
        room = width - cell_len(f"{mark} {name} {''.join(text for text, _ in ending)}")
        if _LEAST_SUBJECT < room < cell_len(subject):
            subject = shorten(subject, room)
        return [(f"{mark} ", style), (name, look.strong), (f" {subject}", look.text), *ending]

    def _standing(self, look: Look) -> tuple[str, Style, str]:
        if self._refusal:
            return "⊘", look.warning, self._refusal
        if self.result is None:
            if self._is_asked:
                return "?", look.warning, "waits for your answer"
            return _SPINNER[int(time.monotonic() * _TURNS_PER_S) % len(_SPINNER)], look.accent, ""
        outcome = outcome_of(self.call, self.result)
        return ("✗", look.error, outcome) if self._failed else ("✓", look.success, outcome)

    @property
    def _failed(self) -> bool:
        return isinstance(self.call, BadToolCall) or (self.result is not None and self.result.is_error)

    def _duration(self) -> str:
        seconds = 0.0 if self._refusal else self._seconds
        if seconds is None:
            seconds = 0 if self._is_asked else time.monotonic() - self._started
        return "" if seconds < 1 else f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"

    def _answered(self) -> None:
        if self._is_asked:
            self._is_asked, self._started = False, time.monotonic()
