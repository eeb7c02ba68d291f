"""What goes along with a message, in a line for the person who sent it."""

import re
from collections.abc import Iterator

from ally.chat.attach import mentioned, missing
from ally.messages import UserMessage
from ally.terminal.text import one_line, visible

_LINE = re.compile(r"^\d+\t", re.MULTILINE)


def attachments(message: UserMessage, text: str) -> Iterator[str]:
    """What `text` named and `message` brings along, and what is not there."""
    rest, told = message.context, list[str]()
    for path in reversed(mentioned(text)):
        rest, _, part = rest.rpartition(f"[The user attached {path}:]\n")
        told.insert(0, _told(path, len(_LINE.findall(part))))
    if told:
        yield f"(attached: {'; '.join(told)})"
    if unknown := missing(text):
        names = ", ".join(one_line(visible(name)) for name in unknown)
        yield f"(There is no {names}: sent as a word, nothing is attached for it.)"


def _told(path: str, lines: int) -> str:
    name = one_line(visible(path))
    return f"{name}, {lines:,} line{'' if lines == 1 else 's'}" if lines else name
