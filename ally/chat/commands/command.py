"""What a slash command is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ally.chat.chat import Chat


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command; `run` gets what stands after its name and gives what is shown."""

    usage: str
    help: str
    run: Callable[[Chat, str], Awaitable[str]]
