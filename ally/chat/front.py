"""What a chat needs of the front end it runs in: the screen, or plain lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


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
