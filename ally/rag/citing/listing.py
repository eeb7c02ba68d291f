"""The list at the end of an answer: where what it cites stands."""

from collections.abc import Iterable

from ally.messages import Citation, Source
from ally.rag.citing.naming import Naming
from ally.terminal.text import visible

MAX_QUOTE = 160
_MAX_UNCITED = 3


def listed(citations: Iterable[Citation], naming: Naming) -> str:
    """A line for each place that was found, by number: `[3] docs/a.md:12-14 "hold the red button"`."""
    found = sorted((one for one in citations if one.is_found), key=lambda one: one.number)
    lines = (f"[{one.number}] {naming.place(one)}{_quoted(one.quote)}" for one in found)
    return "\n".join(dict.fromkeys(lines))


def so_far(citations: Iterable[Citation], naming: Naming) -> str:
    """The same in one line without the quotes, for a turn that ends before its last answer; "" if none was found."""
    found = sorted((one for one in citations if one.is_found), key=lambda one: one.number)
    places = dict.fromkeys(f"[{one.number}] {naming.place(one)}" for one in found)
    return f"Cited so far: {', '.join(places)}." if places else ""


def uncited(given: Iterable[Source], naming: Naming) -> str:
    """What the user is told where an answer cites nothing of what was given for it: where to look."""
    places = list(dict.fromkeys(naming.place(one) for one in given))
    shown = places if len(places) <= _MAX_UNCITED else places[: _MAX_UNCITED - 1]
    more = f" and {len(places) - len(shown):,} more" if len(places) > len(shown) else ""
    which = "the passage that it was given" if len(places) == 1 else "any of the passages that it was given"
    return f"The answer does not cite {which}: {', '.join(shown)}{more}."


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
