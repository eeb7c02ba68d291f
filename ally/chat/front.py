"""What a chat needs of the front end it runs in: the screen, or plain lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ally.messages import Message


@dataclass(frozen=True, slots=True)
class Option:
    """One of several things to choose from; `value` is what the choice gives.

    `label` and the `cells` after it stand in columns. Options of one `group` stand together below its name, in the
    order in which they came. `why_not` is set for what is shown but cannot be chosen now, and says what to do about it.
    """

    value: str
    label: str
    cells: tuple[str, ...] = ()
    group: str = ""
    is_current: bool = False
    why_not: str = ""


class Front(Protocol):
    """Where a chat speaks. Texts may hold anything: the front end makes them safe for its terminal."""

    @property
    def columns(self) -> int | None:
        """How wide a line may be; None where nobody looks."""
        ...

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to choose and to write."""
        ...

    def say(self, text: str) -> None:
        """Tell the user something beside the conversation, at once."""
        ...

    def show_work(self, text: str) -> bool:
        """Show what a command is doing, in place of what was shown before; "" when it is done. False where that cannot
        be shown."""
        ...

    async def choose(
        self, title: str, options: Sequence[Option], preview: Callable[[str], str] | None = None
    ) -> str | None:
        """The `value` of the option that the user picks; None if none, or if there is nobody to ask.

        `preview` gives some lines on a value; it may be slow and is called in a thread.
        """
        ...

    async def write(self, title: str, text: str) -> str | None:
        """`text` as the user changed it; None if it was given up, or if there is nobody to ask."""
        ...

    async def look_at(self, path: Path, line: int) -> None:
        """Open a file in the user's editor at that line; nothing where there is nobody to ask."""
        ...

    def send(self, text: str) -> None:
        """Say `text` to the model as the user's next message, once the command that calls this is done."""
        ...

    def restore(self, text: str) -> None:
        """Give `text` back to the user where messages are typed, to be changed or sent again."""
        ...

    def show(self, messages: Sequence[Message]) -> None:
        """The conversation is this one from now on; lines that were printed stay."""
        ...

    def show_change(self, change: str) -> None:
        """Show a unified diff."""
        ...

    def copy(self, text: str) -> bool:
        """Put `text` on the clipboard; False where there is no way to."""
        ...

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The keys it knows, each with what it does."""
        ...

    @property
    def themes(self) -> Sequence[Option]:
        """The themes there are, the one in use marked; none where nothing is drawn."""
        ...

    def set_theme(self, name: str) -> None:
        """Draw in that theme from now on; a name that is none of `themes` is an `UsageError`."""
        ...

    async def settings(self) -> None:
        """Let the user look at the settings and change them; at once where there is nobody to ask."""
        ...
