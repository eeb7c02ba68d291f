"""What a slash command is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ally.chat.chat import Chat


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command; `run` gets what stands after its name and gives what is shown.

    `more` is what /help COMMAND tells beyond `help`. `values` are what may stand after its name as far as that is
    known; they are asked for in a thread, and may be slow. `has_path`: a path may stand before such a value.
    """

    usage: str
    help: str
    run: Callable[[Chat, str], Awaitable[str]]
    more: str = ""
    values: Callable[[Chat], Sequence[str]] | None = None
    has_path: bool = False


def unquoted(text: str) -> str:
    """`text` without the quotation marks around all of it."""
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]
    return text[1:-1] if is_quoted else text
