"""What is said to the person at the terminal, beside the answer."""

import sys
from typing import TextIO

from ally.chat.hints import in_chat
from ally.errors import AllyError
from ally.terminal.text import clean


def use_utf8(stream: TextIO) -> None:
    """Let `stream` take any text: UTF-8, and a replacement for what cannot be encoded."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="replace")


def say(text: str) -> None:
    """A line for the user on stderr, where it does not mix with the answer."""
    print(clean(text), file=sys.stderr, flush=True)


def report(error: AllyError) -> None:
    """Say on stderr what happened and what to do next."""
    say(f"Error: {error.message}")
    if error.hint:
        say(f"  → {error.hint}")


def report_in_chat(error: AllyError) -> None:
    """The same with a hint that can be followed without leaving the chat."""
    say(f"Error: {error.message}")
    if error.hint:
        say(f"  → {in_chat(error.hint)}")
