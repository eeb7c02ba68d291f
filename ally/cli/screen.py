"""What of a turn stands on the screen: the answer on standard output, everything else on standard error."""

import sys
from collections.abc import Iterator

from ally.chat.activity import Activity
from ally.cli.terminal import report, say
from ally.events import (
    Compacted,
    Event,
    Notice,
    TextDelta,
    ThinkingDelta,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    UserSaid,
)
from ally.terminal.text import clean, one_line

_ENDS = {
    "length": "(The answer reached the model's length limit.)",
    "refused": "(The service stopped this answer.)",
    "max_turns": "(Stopped: the limit --max-turns was reached.)",
    "max_seconds": "(Stopped: the limit --max-seconds was reached.)",
}


class Screen:
    """Shows the events of turns; while a question is open they wait, so that nothing pushes it away."""

    def __init__(self) -> None:
        self._thinks = False
        self._column_used = False
        self._activity = Activity()
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
        match event:
            case TurnStarted():
                self._thinks, self._activity = False, Activity()
            case TextDelta(text):
                self._write(clean(text))
            case ThinkingDelta():
                if not self._thinks:
                    self._thinks = True
                    say("(thinking …)")
            case TurnFailed(error):
                self.begin_line()
                report(error)
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

    def line_was_ended(self) -> None:
        """The user pressed Enter, which has moved the cursor."""
        self._column_used = False

    def begin_line(self) -> None:
        """What is written next stands at the beginning of a line."""
        if self._column_used:
            self._write("\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
        if text:
            self._column_used = not text.endswith("\n")
