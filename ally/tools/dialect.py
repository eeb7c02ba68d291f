"""Regular expressions as ripgrep reads them, for Python's `re` where there is no ripgrep."""

import re

_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
    "cntrl": r"\x00-\x1f\x7f",
    "graph": "!-~",
    "print": " -~",
    "ascii": r"\x00-\x7f",
}
_ESCAPES = {"z": r"\Z", "<": r"\b(?=\w)", ">": r"\b(?<=\w)"}
_TOKEN = re.compile(
    r"\\[pP](?:\{[^}]*\}|.)?|\\[xuU]\{(?P<code>[0-9A-Fa-f]+)\}|\\(?P<escape>.)|\(\?<(?P<name>[A-Za-z_]\w*)>|.",
    re.DOTALL,
)
_INSIDE = re.compile(
    r"\[:(?P<not>\^?)(?P<posix>[a-z]+):\]|\\[pP](?:\{[^}]*\}|.)?|\\[xuU]\{(?P<code>[0-9A-Fa-f]+)\}|\\.|&&|~~|--|.",
    re.DOTALL,
)


def to_python(pattern: str) -> str:
    """`pattern` for `re`: named groups, POSIX classes, `\\z`, `\\<`, `\\>` and `\\x{…}` are said in its words.

    Look-around and back-references, which ripgrep lacks, stay.

    Raises:
        ValueError: it needs what `re` has not: Unicode properties, or sets calculated from sets.
    """
    parts, position = list[str](), 0
    while position < len(pattern):
        if pattern[position] == "[":
            text, position = _bracket(pattern, position)
            parts.append(text)
            continue
        found = _TOKEN.match(pattern, position)
        assert found is not None, "the last alternative takes any character"  # noqa: S101 - cannot fail
        parts.append(_outside(found))
        position = found.end()
    return "".join(parts)


def is_about_line_ends(pattern: str) -> bool:
    """Whether it could only match across lines."""
    return "\n" in pattern or re.search(r"(?<!\\)(?:\\\\)*\\n", pattern) is not None


def _outside(found: re.Match[str]) -> str:
    text = found[0]
    if text[:2] in (r"\p", r"\P"):
        raise ValueError(f"{text} needs ripgrep, which is not installed")
    if found["code"]:
        return _character(found["code"])
    if found["name"]:
        return f"(?P<{found['name']}>"
    return _ESCAPES.get(found["escape"] or "", text)


def _bracket(pattern: str, start: int) -> tuple[str, int]:
    """The set that begins at `start`, and where it ends; one without an end is a plain bracket."""
    position = start + 1
    parts = ["["]
    if pattern[position : position + 1] == "^":
        parts.append("^")
        position += 1
    if pattern[position : position + 1] == "]":
        parts.append(r"\]")
        position += 1
    while found := _INSIDE.match(pattern, position):
        position = found.end()
        if found[0] == "]":
            return "".join(parts) + "]", position
        parts.append(_member(found))
    return r"\[", start + 1


def _member(found: re.Match[str]) -> str:
    text = found[0]
    if text[:2] in (r"\p", r"\P") or text in ("&&", "~~", "--") or found["not"]:
        raise ValueError(f"{text} in a set needs ripgrep, which is not installed")
    if found["posix"]:
        if found["posix"] not in _CLASSES:
            raise ValueError(f"there is no class {text}")
        return _CLASSES[found["posix"]]
    if found["code"]:
        return _character(found["code"])
    return rf"\{text}" if text in ("[", "&", "~", "|") else text


def _character(code: str) -> str:
    number = int(code, 16)
    if number > 0x10FFFF:
        raise ValueError(f"there is no character {code}")
    return rf"\U{number:08x}"
