"""A chat's front end in plain lines."""

import os
import shutil
import sys
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ally.app import App
from ally.chat.front import Option
from ally.cli.choosing import can_paint
from ally.cli.plain_lines import Lines, end_line
from ally.cli.signals import handing_over, interruptible
from ally.cli.terminal import report_in_chat, say
from ally.errors import UsageError
from ally.messages import Message
from ally.terminal.table import room
from ally.terminal.text import clean

_KEYS = (
    ("Ctrl-C", "stops an answer; again while it is stopping, it leaves; gives a line or a choice up"),
    ("Ctrl-D", "leaves"),
    ("\\ Enter", "a backslash at the end of a line continues the message on the next line"),
)
_EDITING_KEYS = (
    ("Tab", "completes /commands, what follows them, and @files"),
    ("Up Down", "earlier messages, also of other sessions"),
    ("Ctrl-R", "searches them"),
)
_OTHER_ROWS = 4  # title, prompt, and what stood above


@dataclass(slots=True)
class PlainFront:
    """Says things in plain lines, and asks where `lines` are typed. What commands want said is added to `later`."""

    lines: Lines | None = None
    app: App | None = None
    later: deque[str] = field(default_factory=deque[str])

    @property
    def can_ask(self) -> bool:
        """Whether somebody sits at a terminal."""
        return self.lines is not None and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def columns(self) -> int | None:
        """Columns of the terminal that shows standard output; None where nobody looks, so that scripts get all."""
        return room()

    def say(self, text: str) -> None:
        """Tell the user something beside the conversation, at once."""
        say(text)

    def show_work(self, text: str) -> bool:
        """Nothing: lines that were printed stay."""
        return False

    async def choose(
        self, title: str, options: Sequence[Option], preview: Callable[[str], str] | None = None
    ) -> str | None:
        """The value the user picks by its number or its name."""
        if not self.can_ask:
            return None
        from ally.cli.numbered import NumberedList  # late: most chats never choose
        from ally.cli.plain_choice import choose  # late: the same

        size = shutil.get_terminal_size()
        return await choose(title, NumberedList(options, size.columns, size.lines - _OTHER_ROWS), preview, self._ask)

    async def write(self, title: str, text: str) -> str | None:
        """`text` as it comes back from the user's editor, or line by line where none is named."""
        if self.lines is None or not self.can_ask:
            return None
        if not text:
            text, self.lines.draft = self.lines.draft, ""
        variables = _editor_variables(os.environ)
        if not variables:
            return self._write_lines(title, text)
        from ally.chat.editor import edit  # late: most chats never need one

        with handing_over():
            return edit(text, variables)

    async def look_at(self, path: Path, line: int) -> None:
        """Open a file in the user's editor, where somebody is there to use it."""
        from ally.chat.editor import look_at  # late: most chats never need one

        if self.can_ask:
            with handing_over():
                look_at(path, line)

    def send(self, text: str) -> None:
        """Say `text` before anything else is read."""
        self.later.appendleft(text)

    def restore(self, text: str) -> None:
        """Let the next message begin with `text`; where lines cannot be edited, say so."""
        if self.lines is not None and text:
            self.lines.draft = text
        if self.lines is None or not self.lines.can_edit:
            say(f"Your next message begins with:\n{text}")
            say("(What you type is added to it, an empty line sends it as it is, /edit changes it, Ctrl-C drops it.)")

    def show(self, messages: Sequence[Message]) -> None:
        """Nothing: the command says which conversation it is."""

    def show_change(self, change: str) -> None:
        """Print the diff as it is."""
        print(clean(change).rstrip("\n"), flush=True)

    def copy(self, text: str) -> bool:
        """Hand `text` to the terminal's clipboard, which OSC 52 reaches also from far away."""
        if not sys.stderr.isatty() or not can_paint(os.environ):
            return False
        sys.stderr.write(f"\x1b]52;c;{b64encode(text.encode('utf-8', 'replace')).decode()}\x07")
        sys.stderr.flush()
        return True

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The few keys of plain lines."""
        return (*_KEYS, *_EDITING_KEYS) if self.lines is not None and self.lines.can_edit else _KEYS

    @property
    def themes(self) -> Sequence[Option]:
        """None: nothing is drawn."""
        return ()

    def set_theme(self, name: str) -> None:
        """Refuse: nothing is drawn."""
        raise UsageError("Plain lines have no theme.", hint="ally without --plain has some")

    async def settings(self) -> None:
        """A numbered list of the settings, and a new value for the chosen one."""
        if self.app is None or not self.can_ask:
            say("ally config shows the settings, ally config set KEY VALUE changes one.")
            return
        from ally.cli.plain_settings import PlainSettings  # late: most chats change nothing

        size = shutil.get_terminal_size()
        await PlainSettings(self.app, size.lines - _OTHER_ROWS, size.columns, self._ask).change()

    def _ask(self, prompt: str, text: str = "") -> str | None:
        """A typed line; None if it was given up."""
        if self.lines is None:
            return None
        with interruptible():
            try:
                return self.lines.answer(prompt, text)
            except (EOFError, KeyboardInterrupt):
                end_line()
                return None
            except UsageError as error:
                report_in_chat(error)
                return None

    def _write_lines(self, title: str, text: str) -> str | None:
        can_edit = self.lines is not None and self.lines.can_edit
        if text and not can_edit:
            say(text)
        keeps = "; at once, it stays as it is" if text and not can_edit else ""
        say(f"{title}: a line with a single . ends it{keeps}; Ctrl-C gives it up.")
        written: list[str] = []
        while (line := self._ask(". ", text if can_edit and not written else "")) is not None:
            if line == ".":
                return "\n".join(written) if written or can_edit else text
            written.append(line)
        return None


def _editor_variables(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of the editor that the user chose; empty if none: whoever chose no editor may not know any.

    VISUAL names one that paints, which is of no use where that cannot be.
    """
    variables = dict(env)
    if not can_paint(env):
        variables.pop("VISUAL", None)
    is_named = any(variables.get(name, "").strip() for name in ("VISUAL", "EDITOR"))
    return variables if is_named else {}
