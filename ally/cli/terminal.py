"""The one place where text from models, tools, files and plug-ins becomes safe for a terminal."""

import re
import sys
from typing import TextIO

from ally.errors import AllyError

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks and overrides of writing direction
    "\u2028\u2029\ufeff\ud800-\udfff]"  # exotic line ends, BOM, lone surrogates
)


def clean(text: str) -> str:
    """`text` without anything a terminal would obey: no escape sequences, no overrides of writing direction.

    Tabs and line feeds stay. It keeps no state, so a stream may be cleaned piece by piece.
    """
    return _UNSAFE.sub("", text)


def one_line(text: str) -> str:
    """`clean` text with runs of white space folded, for tables and messages of one line."""
    return " ".join(clean(text).split())


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
