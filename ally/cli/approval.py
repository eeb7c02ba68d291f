"""Asking before a call runs, in plain lines. All of it can be seen, and nothing typed before it appeared answers it."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from ally.chat.asking import KEYS, SHORT, WORDS, body, choices, reason, title, understood, why
from ally.chat.editing import as_text, field_of, from_text
from ally.chat.editor import edit
from ally.cli.keyboard import Keyboard
from ally.cli.screen import Screen
from ally.cli.terminal import report, say
from ally.engine.gate import Answer
from ally.errors import UsageError
from ally.events import Question
from ally.terminal.table import hang
from ally.terminal.text import one_line, visible

_LEAST_ROWS = 6
_LEAST_COLUMNS = 10
_OTHER_ROWS = 10  # reason, choices and the answer
_LONGEST_LINE = 4095
"""A terminal hands over no more of one line."""


@dataclass(slots=True)
class Approver:
    """Asks in plain lines on the terminal that `keyboard` reads."""

    keyboard: Keyboard
    screen: Screen
    _draft: tuple[str, str] = field(default=("", ""), init=False)
    """What was written last in place of a call's arguments, and the id of that call."""

    async def ask(self, question: Question) -> Answer:
        """The user's answer; no answer is a refusal."""
        self.screen.hold()
        try:
            return await self._ask(question)
        except asyncio.CancelledError:  # Ctrl-C left the cursor behind the question
            say("")
            raise
        finally:
            self.screen.release()

    async def _ask(self, question: Question) -> Answer:
        size = shutil.get_terminal_size()
        shown, hidden = _split(_body(question, size.columns), size.lines)
        say(title(question))
        say("\n".join(shown))
        for line in closing(question, len(hidden)):
            say(hang("  ", line, size.columns))
        while True:
            text = await self._line(hang("", choices_of(question, bool(hidden)), size.columns - 1))
            if text is None:
                say("(No answer: refused.)")
                return Answer(False)
            key = text.strip().lower()
            match WORDS.get(key, key):
                case "v" if hidden:
                    say("\n".join(hidden))
                    hidden = []
                    continue
                case "w":
                    say("\n".join(hang("  ", line, size.columns) for line in why(question)))
                    continue
                case "e" if hidden and field_of(question.call):  # its other arguments run as they are
                    answer = "(Not all of it was shown yet: v shows the rest.)"
                case "e":
                    answer = await self._edited(question)
                case _:
                    answer = understood(text, question.scopes, bool(hidden))
            if isinstance(answer, Answer):
                return answer
            say(answer)

    async def _edited(self, question: Question) -> Answer | str:
        """The call as the user changes it, or why it stays as it is."""
        call = question.call
        begun = self._draft[1] if self._draft[0] == call.id else as_text(call)
        text = await self._written(question, begun)
        if text is None or text == as_text(call):
            return "(Nothing was changed.)"
        self._draft = call.id, text
        try:
            return Answer(True, edited=from_text(text, call))
        except UsageError as error:
            return f"({' '.join(filter(None, (error.message, error.hint)))} e goes on changing it.)"

    async def _written(self, question: Question, text: str) -> str | None:
        """`text` from the user's editor, or typed anew where there is none."""
        if os.environ.get("TERM", "dumb") not in ("", "dumb"):
            try:
                return edit(text)
            except UsageError as error:
                report(error)
        what = {"command": "command", "content": "content"}.get(field_of(question.call), "arguments as JSON")
        say(f"(The {what} on one line; an empty line leaves it as it is.)")
        typed = await self._line("instead:")
        if typed is not None and len(typed.encode(errors="replace")) >= _LONGEST_LINE:
            say("(The end of the line was lost: a terminal hands over 4,095 bytes of one.)")
            return None
        return typed if typed and typed.strip() else None

    async def _line(self, prompt: str) -> str | None:
        shown = prompt.replace("\xa0", " ") + " "
        return await self.keyboard.fresh_line(lambda: _prompt(shown))


def closing(question: Question, hidden: int) -> Iterator[str]:
    """What is wrong and what is hidden, why it is asked, and what an answer would keep."""
    if question.problem:
        yield f"not run: {one_line(visible(question.problem))}"
    if hidden:
        yield f"… {hidden} line{'s' if hidden > 1 else ''} hidden, v shows them"
    if told := reason(question):
        yield f"why: {told}"
    longer = [choice for choice in choices(question) if choice.remembers]
    if longer:
        yield f"{', '.join(one.key for one in longer)} would remember: {'  '.join(longer[0].remembers)}"


def choices_of(question: Question, has_hidden: bool) -> str:
    """What may be answered, in words; the last of them are not parted where the line is broken."""
    offered = [f"{key} {SHORT[scope]}" for key, scope in KEYS.items() if scope in question.scopes]
    more = ["n no", *(["v view"] if has_hidden else []), "e edit", "w why"]
    return " · ".join([*offered, *more]) + " · or\xa0what\xa0to\xa0do\xa0instead:"


def _body(question: Question, columns: int) -> list[str]:
    return ["  " + line for line in body(question, max(_LEAST_COLUMNS, columns - 3))]


def _split(lines: list[str], rows: int) -> tuple[list[str], list[str]]:
    most = max(_LEAST_ROWS, rows - _OTHER_ROWS)
    return (lines, []) if len(lines) <= most else (lines[:most], lines[most:])


def _prompt(text: str) -> None:
    print(text, end="", flush=True, file=sys.stderr)
