"""What of a turn stands on the screen: the answer on standard output, everything else on standard error."""

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from ally.chat.activity import SHOWN_LINES, Activity
from ally.cli.terminal import report_in_chat, say
from ally.events import (
    Compacted,
    Event,
    Notice,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolProgress,
    ToolRequested,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    UserSaid,
)
from ally.terminal.text import clean, one_line
from ally.tools.output import plain

if TYPE_CHECKING:
    from ally.config.settings import ThinkingView

_LONGEST_ECHO = 10_000
_END = re.compile(r"\n\[exit -?\d+\]\s*\Z")  # of a command that failed: its last line said so already
_ENDS = {
    "length": "(The answer reached the model's length limit.)",
    "refused": "(The service stopped this answer.)",
    "max_turns": "(Stopped: the limit --max-turns was reached.)",
    "max_seconds": "(Stopped: the limit --max-seconds was reached.)",
}


class Screen:
    """Shows the events of turns; while a question is open they wait, so that nothing pushes it away."""

    def __init__(self) -> None:
        self.thinking: ThinkingView = "folded"
        self._thinks = False
        self._column_used = False
        self._activity = Activity()
        self._echo = _Echo()
        self._held: list[Event] | None = None

    def hold(self) -> None:
        """Show nothing until `release`."""
        self.begin_line()
        self._held = []

    def release(self) -> None:
        """Show what was held back, and go on."""
        held, self._held = self._held or [], None
        for event in held:
            self.add(event)

    def add(self, event: Event) -> None:
        """Show what `event` adds."""
        if self._held is not None:
            self._held.append(event)
            return
        is_echo = self._echo.add(event)
        match event:
            case TurnStarted():
                self._thinks, self._activity = False, Activity()
            case TextDelta(text):
                self._end_thinking()
                if not (is_echo and sys.stdout.isatty()):
                    self._write(clean(text))
            case ThinkingDelta(text):
                self._think(text)
            case TurnFailed(error):
                self.begin_line()
                report_in_chat(error)
            case _:
                for line in self._lines(event):
                    self.begin_line()
                    say(line)
                if isinstance(event, TurnFinished):
                    self.begin_line()

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case Notice(text, retry_in_s):
                said = one_line(text)
                yield f"({said})" if retry_in_s is None else f"({said.removesuffix('.')} in {retry_in_s:.1f} s.)"
            case UserSaid(message):
                yield from (f"> {line}" for line in message.text.split("\n"))
            case Compacted(before, after):
                yield f"(The conversation was summarised: about {before:,} tokens became {after:,}.)"
            case TurnInterrupted():
                yield "(Stopped.)"
            case TurnFinished(reason):
                if reason in _ENDS:
                    yield _ENDS[reason]
            case _:
                yield from self._activity.lines(event)

    def _think(self, text: str) -> None:
        """Thinking is told once in a turn, or shown among what is no answer."""
        if self.thinking == "open":
            if not self._thinks:
                self.begin_line()
                say("(thinking:)")
            self._write(clean(text), sys.stderr)
        elif self.thinking == "folded" and not self._thinks:
            self.begin_line()
            say("(thinking …)")
        self._thinks = True

    def _end_thinking(self) -> None:
        if self._thinks and self.thinking == "open":
            self.begin_line(sys.stderr)
            say("(answer:)")
            self._thinks = False

    def line_was_ended(self) -> None:
        """The user pressed Enter, which has moved the cursor."""
        self._column_used = False

    def begin_line(self, stream: TextIO | None = None) -> None:
        """What is written next stands at the beginning of a line."""
        if self._column_used:
            self._write("\n", stream)

    def _write(self, text: str, stream: TextIO | None = None) -> None:
        out = sys.stdout if stream is None else stream
        out.write(text)
        out.flush()
        if text:
            self._column_used = not text.endswith("\n")


class _Echo:
    """Finds answers that only repeat what a tool printed, as those for tiny models do."""

    def __init__(self) -> None:
        self._lines = ""
        self._printed = ""

    def add(self, event: Event) -> bool:
        """Whether `event` says what was shown just before."""
        match event:
            case ToolRequested():
                self._lines = self._printed = ""
            case ToolProgress(text=text):
                self._lines += text if len(self._lines) < _LONGEST_ECHO else ""
            case ToolFinished():
                self._printed, self._lines = clean(plain(self._lines)).strip(), ""
            case TextDelta(text) if self._printed:
                printed, self._printed = self._printed, ""
                return printed.count("\n") < SHOWN_LINES and _END.sub("", clean(text)).strip() == printed
            case _:
                pass
        return False
