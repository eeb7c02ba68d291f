"""Glob patterns as regular expressions that cannot be made slow: `*`, `?`, `[a-z]`, `**`, and `{a,b}`."""

import re
from itertools import pairwise

_MOST_ALTERNATIVES = 200
_ANY = "[^/]*"


def translate(pattern: str) -> str:
    """The regular expression (for `fullmatch`) of one pattern without braces, over a path with `/` between its parts.

    `**` as a whole part is any number of folders. Every star but the last is atomic, so a hostile pattern costs linear
    time. A backslash takes the meaning from the next character.

    Raises:
        re.error: a range such as `[z-a]` makes no sense (when it is compiled).
    """
    parts = [part for part in pattern.split("/") if part]
    runs: list[list[str]] = [[]]
    for part in parts:
        if part == "**":
            runs.append([])
        else:
            runs[-1].append(_part(part))
    first, *others = ["/".join(run) for run in runs]
    if not others:
        return first
    head = f"{first}/" if first else ""
    *middle, last = others
    deep = "(?:[^/]+/)*"
    between = "".join(f"(?>{deep}?{one}/)" for one in middle if one)
    return head + between + (f"{deep}{last}" if last else ".+")


def expand_braces(pattern: str) -> list[str]:
    """`{a,b}.py` as `a.py` and `b.py`, nested too; a pattern without a comma in its braces stays as it is.

    Raises:
        ValueError: it stands for more than 200 patterns.
    """
    waiting, done = [pattern], list[str]()
    while waiting:
        one = waiting.pop()
        options = _first_braces(one)
        if options is None:
            done.append(one)
        else:
            waiting.extend(reversed(options))
        if len(done) + len(waiting) > _MOST_ALTERNATIVES:
            raise ValueError(f"{pattern!r} stands for too many patterns")
    return done


def compile_glob(pattern: str) -> re.Pattern[str]:
    """What a path must match (`fullmatch`): without a slash the pattern is about the last part, at any depth.

    Raises:
        ValueError: it is empty or cannot be understood.
    """
    alternatives: list[str] = []
    for one in expand_braces(pattern.strip()):
        relative = one.removeprefix("./").lstrip("/")
        deep = relative if "/" in relative.rstrip("/") else f"**/{relative}"
        if relative:
            alternatives.append(translate(deep))
    if not alternatives:
        raise ValueError("the pattern is empty")
    try:
        return re.compile("|".join(f"(?:{one})" for one in alternatives), re.DOTALL)
    except re.error as exc:
        raise ValueError(f"{pattern!r} is no pattern: {exc.msg}") from exc


def _part(part: str) -> str:
    """One part between slashes. Pieces between stars have a fixed length, so the leftmost place is always right."""
    if not part.strip("*"):
        return "[^/]+"
    pieces, current, position = list[str](), "", 0
    while position < len(part):
        char = part[position]
        position += 1
        if char == "*":
            pieces.append(current)
            current = ""
        elif char == "?":
            current += "[^/]"
        elif char == "[" and (end := _class_end(part, position)) > 0:
            current += _class(part[position:end])
            position = end + 1
        elif char == "\\" and position < len(part):
            current += re.escape(part[position])
            position += 1
        else:
            current += re.escape(char)
    if not pieces:
        return current
    first, *middle = pieces
    atomic = "".join(f"(?>{_ANY}?{piece})" for piece in middle if piece)
    return f"{first}{atomic}{_ANY}{current}"


def _class_end(part: str, start: int) -> int:
    if part[start : start + 1] in ("!", "^"):
        start += 1
    return part.find("]", start + 1)


def _class(inside: str) -> str:
    sign = "^/" if inside[0] in "!^" else ""
    members = inside[1:] if sign else inside
    escaped = re.sub(r"([][\\^&~|])", r"\\\1", members)
    return f"[{sign}{escaped}]"


def _first_braces(pattern: str) -> list[str] | None:
    """The patterns for the first brace pair that holds a comma at its own level, or None."""
    for start, char in enumerate(pattern):
        if char != "{" or pattern[start - 1 : start] == "\\":
            continue
        depth, cuts = 0, [start]
        for position in range(start, len(pattern)):
            depth += {"{": 1, "}": -1}.get(pattern[position], 0)
            if pattern[position] == "," and depth == 1:
                cuts.append(position)
            elif depth == 0:
                if len(cuts) > 1:
                    cuts.append(position)
                    options = [pattern[low + 1 : high] for low, high in pairwise(cuts)]
                    return [pattern[:start] + option + pattern[position + 1 :] for option in options]
                break
    return None
