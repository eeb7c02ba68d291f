"""A chat's front end in plain lines."""

import sys
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ally.chat.front import Option
from ally.cli.terminal import say
from ally.errors import UsageError
from ally.messages import Message
from ally.terminal.table import room

_KEYS = (
    ("Ctrl-C", "stops an answer; again while it is stopping, it leaves"),
    ("Ctrl-D", "leaves"),
    ("\\ Enter", "a backslash at the end of a line continues the message on the next line"),
)


@dataclass(slots=True)
class PlainFront:
    """Says things in plain lines, and asks nothing. What commands want said is added to `later`."""

    later: deque[str] = field(default_factory=deque[str])

    @property
    def can_ask(self) -> bool:
        """Never: nobody is asked."""
        return False

    @property
    def columns(self) -> int | None:
        """Columns of the terminal that shows standard output; None where nobody looks, so that scripts get all."""
        return room()

    def say(self, text: str) -> None:
        """Tell the user something beside the conversation, at once."""
        say(text)

    async def choose(
        self, title: str, options: Sequence[Option], preview: Callable[[str], str] | None = None
    ) -> str | None:
        """None: nobody is asked."""
        return None

    async def write(self, title: str, text: str) -> str | None:
        """None: nobody is asked."""
        return None

    def send(self, text: str) -> None:
        """Say `text` before anything else is read."""
        self.later.appendleft(text)

    def restore(self, text: str) -> None:
        """Show `text`, so that it can be typed again."""
        say(f"The message was:\n{text}")

    def show(self, messages: Sequence[Message]) -> None:
        """Nothing: the command says which conversation it is."""

    def copy(self, text: str) -> bool:
        """Hand `text` to the terminal's clipboard, which OSC 52 reaches also from far away."""
        if not sys.stderr.isatty():
            return False
        sys.stderr.write(f"\x1b]52;c;{b64encode(text.encode('utf-8', 'replace')).decode()}\x07")
        sys.stderr.flush()
        return True

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The few keys of plain lines."""
        return _KEYS

    @property
    def themes(self) -> Sequence[Option]:
        """None: nothing is drawn."""
        return ()

    def set_theme(self, name: str) -> None:
        """Refuse: nothing is drawn."""
        raise UsageError("Plain lines have no theme.", hint="ally without --plain has some")

    async def settings(self) -> None:
        """Say how settings are changed."""
        say("ally config shows the settings, ally config set KEY VALUE changes one.")
