"""Lines that a person types: edited, recalled and completed by readline where there is one, as they are where not."""

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from types import ModuleType

from ally.errors import UsageError

PROMPT = "> "
MAX_LINE_BYTES = 4095
"""So much of a line a terminal hands over that edits lines itself; the rest is lost."""

_GNU_KEYS = (
    "set enable-bracketed-paste on",  # Python turns it off
    "set show-all-if-ambiguous on",
    "set page-completions off",
    "tab: complete",
)
_LIBEDIT_KEYS = ("bind ^I rl_complete", "bind ^R em-inc-search-prev")


class Lines:
    """Standard input, line by line."""

    def __init__(self) -> None:
        self._readline = _readline()
        self._complete: Callable[[str], Sequence[str]] = lambda text: ()
        self._found: Sequence[str] = ()
        self.draft = ""
        """What the next message begins with."""

    @property
    def can_edit(self) -> bool:
        """Whether a text can be given for editing, and lines are recalled."""
        return self._readline is not None

    @property
    def unsent(self) -> str:
        """What stood in the line that was given up."""
        return self._readline.get_line_buffer() if self._readline else ""

    def complete_with(self, complete: Callable[[str], Sequence[str]]) -> None:
        """Let `complete` give the words that may stand for the last one of a text."""
        self._complete = complete

    def recall(self, texts: Sequence[str]) -> None:
        """Let the keys for it bring `texts` back, the newest last."""
        for text in texts if self._readline else ():
            self.remember(text)

    def remember(self, text: str) -> None:
        """`text` is what was typed last."""
        if self._readline and text.strip():
            self._readline.add_history(text.replace("\0", ""))

    def message(self) -> str:
        """The next message: one line, several when each but the last ends in a backslash, or a pasted block.

        Raises:
            EOFError: standard input is at its end.
            KeyboardInterrupt: the user gave the line up.
            UsageError: the terminal lost a part of it.
        """
        begun, self.draft = self.draft, ""
        with self._completing():
            lines = [self._read(PROMPT, begun)]
            if begun and not self.can_edit:
                lines = self._added(begun, lines[0])
            while lines[-1].endswith("\\"):
                lines[-1] = lines[-1][:-1]
                try:
                    lines.append(self._read(". "))
                except EOFError:  # what was written so far is a message; the next call finds the end again
                    lines.append("")
                    end_line()
        return "\n".join(lines)

    def _added(self, begun: str, line: str) -> list[str]:
        """The draft with `line` at its end; commands leave it for the next message."""
        if line.startswith(("/", "!")):
            self.draft = begun
            return [line]
        gap = "" if not line or begun[-1:].isspace() else " "
        return [f"{begun}{gap}{line}"]

    def answer(self, prompt: str, text: str = "") -> str:
        """A line that is no message, beginning with `text` where it can be edited.

        Raises:
            EOFError, KeyboardInterrupt, UsageError: as for `message`.
        """
        return self._read(prompt, text)

    def _read(self, prompt: str, text: str = "") -> str:
        if self._readline is None:
            line = _plain_line(prompt)
            check_whole(line)
            return line
        readline = self._readline
        readline.set_startup_hook((lambda: readline.insert_text(text)) if text else None)
        try:
            return input(prompt)
        finally:
            readline.set_startup_hook(None)

    @contextmanager
    def _completing(self) -> Generator[None]:
        if self._readline is None:
            yield
            return
        self._readline.set_completer(self._completion)
        try:
            yield
        finally:
            self._readline.set_completer(None)

    def _completion(self, word: str, number: int) -> str | None:
        """What readline asks for one after the other until there is none."""
        if number == 0 and self._readline is not None:
            line: str = self._readline.get_line_buffer()
            self._found = self._complete(line[: self._readline.get_endidx()])
        return self._found[number] if number < len(self._found) else None


def end_line() -> None:
    """The end of the input was typed where a line begins: what comes next begins another."""
    if sys.stdin.isatty():
        print(file=sys.stderr)


def _plain_line(prompt: str) -> str:
    if not sys.stdin.isatty():
        return input()
    print(prompt, end="", file=sys.stderr, flush=True)  # `input` would write it among the answers
    return input()


def check_whole(text: str) -> None:
    """Of a line that a terminal edited itself nothing may be missing.

    Raises:
        UsageError: its end was lost.
    """
    longest = max(len(line.encode(errors="replace")) for line in text.split("\n"))
    if sys.stdin.isatty() and longest >= MAX_LINE_BYTES:
        message = f"The terminal hands over at most {MAX_LINE_BYTES:,} bytes of a line, so the end of it was lost."
        raise UsageError(message, hint="nothing was sent; /edit takes longer ones, and so do several lines")


def _readline() -> ModuleType | None:
    """readline, set up; None where there is no terminal, or none that could show a line being edited."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") in ("", "dumb"):
        return None
    try:
        import readline  # heavy
    except ImportError:
        return None
    readline.set_auto_history(False)
    readline.set_completer_delims(" \t\n")
    for line in _LIBEDIT_KEYS if "libedit" in (readline.__doc__ or "") else _GNU_KEYS:
        readline.parse_and_bind(line)
    return readline
