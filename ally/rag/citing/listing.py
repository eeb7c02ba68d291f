"""The list at the end of an answer: where what it cites stands."""

from collections.abc import Iterable

from ally.messages import Citation
from ally.rag.citing.naming import Naming
from ally.terminal.text import visible

MAX_QUOTE = 160


def listed(citations: Iterable[Citation], naming: Naming) -> str:
    """A line for each place that was found, by number: `[3] docs/a.md:12-14 "hold the red button"`."""
    found = sorted((one for one in citations if one.is_found), key=lambda one: one.number)
    lines = (f"[{one.number}] {naming.place(one)}{_quoted(one.quote)}" for one in found)
    return "\n".join(dict.fromkeys(lines))


def struck_notice(count: int) -> str:
    """What the user is told when `count` citations did not hold."""
    if count == 1:
        return "1 citation was not found in its file and is struck out."
    return f"{count:,} citations were not found in their files and are struck out."


def _quoted(quote: str) -> str:
    if not quote:
        return ""
    shown = visible(quote)
    if len(shown) > MAX_QUOTE:
        shown = f"{shown[: MAX_QUOTE - 1].rstrip()}…"
    return f' "{shown}"'
