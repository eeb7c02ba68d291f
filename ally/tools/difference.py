"""What changed between two texts, as the user is shown it before agreeing."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from ally.storage.encoding import END

MAX_LINES = 1_000

_CONTEXT = 3
_MOST_COMPARED = 20_000


def unified(old: str, new: str, name: str) -> str:
    """A unified diff without line ends, "" if nothing changed; what is longer than `MAX_LINES` says so at its end."""
    if old == new:
        return ""
    lines = list(_hunks(_split(old), _split(new))) or ["@@ only line ends change @@"]
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"… {len(lines) - MAX_LINES} more lines"]
    return "\n".join([f"--- {name}", f"+++ {name}", *lines])


def summary(old: str, new: str) -> str:
    """The size of a change, e.g. `+3 -1 lines`."""
    lines = list(_hunks(_split(old), _split(new)))
    return f"+{sum(line.startswith('+') for line in lines)} -{sum(line.startswith('-') for line in lines)} lines"


def _hunks(before: list[str], after: list[str]) -> Iterator[str]:
    start, ending = _common(before, after)
    first = max(0, start - _CONTEXT)
    old = before[first : len(before) - max(0, ending - _CONTEXT)]
    new = after[first : len(after) - max(0, ending - _CONTEXT)]
    if old == new:
        return
    if len(old) + len(new) > _MOST_COMPARED:
        yield _header(first, old, new)
        yield from (f"-{line}" for line in old)
        yield from (f"+{line}" for line in new)
        return
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT):
        (_, from_old, _, from_new, _), (_, _, to_old, _, to_new) = group[0], group[-1]
        yield _header(first, old[from_old:to_old], new[from_new:to_new], from_old, from_new)
        for tag, start_old, end_old, start_new, end_new in group:
            if tag == "equal":
                yield from (f" {line}" for line in old[start_old:end_old])
            else:
                yield from (f"-{line}" for line in old[start_old:end_old])
                yield from (f"+{line}" for line in new[start_new:end_new])


def _header(first: int, old: list[str], new: list[str], from_old: int = 0, from_new: int = 0) -> str:
    return f"@@ -{first + from_old + bool(old)},{len(old)} +{first + from_new + bool(new)},{len(new)} @@"


def _split(text: str) -> list[str]:
    lines = END.split(text)
    return lines[:-1] if not lines[-1] else lines


def _common(before: list[str], after: list[str]) -> tuple[int, int]:
    """How many lines are the same at the beginning and at the end."""
    most = min(len(before), len(after))
    start = next((at for at in range(most) if before[at] != after[at]), most)
    ending = next((at for at in range(most - start) if before[-1 - at] != after[-1 - at]), most - start)
    return start, ending
