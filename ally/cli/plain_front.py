"""A chat's front end in plain lines."""

from collections.abc import Callable, Sequence

from ally.chat.front import Option
from ally.cli.terminal import say
from ally.terminal.table import room


class PlainFront:
    """Says things in plain lines, and asks nothing."""

    can_ask = False

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
