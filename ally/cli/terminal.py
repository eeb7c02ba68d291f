"""What is said to the person at the terminal, beside the answer."""

import re
import sys
from typing import TextIO

from ally.chat.hints import in_chat
from ally.errors import AllyError
from ally.terminal.text import clean

_ARROW = "  → "
_SENTENCE = re.compile(rf"({_ARROW}|[\w-]+ {{2,}}|)[\w(@/!]")  # with what stands before it, an arrow or a name


def use_utf8(stream: TextIO) -> None:
    """Let `stream` take any text: UTF-8, and a replacement for what cannot be encoded."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="replace")


def say(text: str) -> None:
    """A line for the user on stderr, where it does not mix with the answer."""
    print(folded(clean(text), sys.stderr), file=sys.stderr, flush=True)


def folded(text: str, stream: TextIO) -> str:
    """`text` with lines that a terminal would break in the middle of a word broken before it.

    Only sentences are: what begins with a blank or a mark stands as it is, such as tables, differences and output.
    """
    if not stream.isatty():
        return text
    import shutil  # heavy

    from ally.terminal.table import hang, width  # heavy

    space = shutil.get_terminal_size().columns
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if width(line) > space and (found := _SENTENCE.match(line)):
            lines[number] = hang(found[1], line.removeprefix(found[1]), space)
    return "\n".join(lines)


def report(error: AllyError) -> None:
    """Say on stderr what happened and what to do next."""
    say(f"Error: {error.message}")
    if error.hint:
        say(f"{_ARROW}{error.hint}")


def report_in_chat(error: AllyError) -> None:
    """The same with a hint that can be followed without leaving the chat."""
    say(f"Error: {error.message}")
    if error.hint:
        say(f"{_ARROW}{in_chat(error.hint)}")
