"""The parts of a request: words, numbers, paths, patterns, quoted text, code."""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from ally.messages import JsonObject

Kind = Literal["word", "number", "path", "extension", "glob", "url", "quoted", "code", "command", "mark"]

_PIECE = re.compile(
    r"""
    ```[^\n`]*\n(?P<fence>(?:(?!```).)*+)```
    | `(?P<code>[^`\n]++)`
    | "(?P<double>(?:[^"\\\n]|\\(?!")|\\"(?=[^"\n]*+"))*+)"
    | “(?P<curly>[^”\n]*+)” | „(?P<low>[^“”\n]*+)[“”] | «(?P<angle>[^»\n]*+)»
    | (?<!\w)'(?P<single>(?:[^'\n]|(?<=\w)'(?=\w))++)'(?!\w) | \u2018(?P<bent>[^\u2019\n]*+)\u2019(?!\w)
    | (?P<url>https?://[^\s"'`<>]+)
    | (?P<token>[^\s"`“”„«»]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMAND = re.compile(r"\s*\$\s+(?P<command>[^\n]*\S)")
_OPENING, _CLOSING = "([{<¿¡'\u2018*_", ".,;:!?)]}>'\u2019…*_("
_NUMBER = re.compile(r"[-+]?\d+(?:[.,:]\d+)*%?")
_GLOB = re.compile(r"[\w./~{},\[\]!-]*[*?][\w./~*?{},\[\]!-]*")
_NAME = re.compile(r"[^\s/\\]*[^\s/\\.]\.(?P<extension>[A-Za-z0-9_]{1,10})")
_EXTENSION = re.compile(r"\.[A-Za-z0-9_]{1,10}")
_ROOTED = re.compile(r"(?:\.{0,2}|~\w*)/|[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a request; `text` is its value without quotes, `start` and `end` enclose the quotes too."""

    kind: Kind
    text: str
    start: int
    end: int


@cache
def kinds() -> JsonObject:
    """What is known of kinds and names of files."""
    return cast(
        "JsonObject", json.loads(files("ally.providers.tool_calling.tiny").joinpath("kinds.json").read_text("utf-8"))
    )


@cache
def words(name: str) -> frozenset[str]:
    """The words of one role."""
    return _roles()[name]


def normal(word: str) -> str:
    """`word` in lower case and without accents, so that it compares."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


def scan(text: str) -> list[Span]:
    """The parts of `text` in their order."""
    if command := _COMMAND.fullmatch(text.rstrip()):
        return [Span("command", command["command"], command.start("command"), command.end("command"))]
    return [span for match in _PIECE.finditer(text) for span in _spans(match)]


def _spans(match: re.Match[str]) -> Iterator[Span]:
    name, value = match.lastgroup or "", match[match.lastgroup or 0]
    if name in ("fence", "code"):
        yield Span("code", value, *match.span())
    elif name == "url":
        yield Span("url", value.rstrip(_CLOSING), *match.span())
    elif name == "token":
        yield from _tokens(value, match.start())
    else:
        yield Span(
            "quoted", value.strip().replace('\\"', '"') if name == "angle" else value.replace('\\"', '"'), *match.span()
        )


def _tokens(token: str, start: int) -> Iterator[Span]:
    """One token of the text: what it is, and the marks after it that matter."""
    if token in (".", "..") or (_GLOB.fullmatch(token.rstrip(",;:.")) and token.strip("*?!.,;:")):
        kind, core = ("path", token) if set(token) == {"."} else ("glob", token.rstrip(",;:."))
        if kind == "path" or _is_glob(core):
            yield Span("path" if kind == "path" else "glob", core, start, start + len(core))
            return
    head = len(token) - len(token.lstrip(_OPENING))
    core = token[head:].rstrip(_CLOSING) if not token.endswith("/") else token[head:]
    if core:
        begin = start + head
        yield Span(_classify(core), core, begin, begin + len(core))
    tail = token[head + len(core) :]
    for mark in ("?", ":"):
        if mark in tail:
            at = start + head + len(core) + tail.index(mark)
            yield Span("mark", mark, at, at + 1)


def _is_glob(token: str) -> bool:
    """Whether stars and question marks in it are meant as such, not as arithmetic, emphasis or a question."""
    if "*" not in token:
        return "?" in token.rstrip("?") and "." in token
    stars = token.startswith("*") + token.endswith("*")
    return (
        "/" in token or "." in token or (stars == 1 and any(char.isalpha() for char in token)) or not token.strip("*")
    )


def _classify(token: str) -> Kind:
    if _NUMBER.fullmatch(token):
        return "number"
    if _EXTENSION.fullmatch(token):
        return "extension"
    return "path" if is_path(token) else "word"


def is_path(token: str) -> bool:
    """Whether it looks like the path of a file or a folder."""
    known = kinds()
    if _ROOTED.match(token):
        return True
    if token in known["bare"]:
        return True
    lower = token.lower()
    if "/" in token:
        parts = [part for part in token.split("/") if part]
        return bool(parts) and lower not in known["no_paths"] and not all(part.isdigit() for part in parts)
    name = _NAME.fullmatch(token)
    if not name or "@" in token or lower in known["no_files"]:
        return False
    extension = name["extension"].lower()
    if extension in extensions():
        return True
    is_plain = name["extension"].islower() and 2 <= len(extension) <= 5
    return is_plain and extension not in known["domains"]


def is_file(path: str) -> bool:
    """Whether a path is that of a file rather than of a folder, as far as its name says."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return name in kinds()["bare"] or (name.rpartition(".")[2].lower() in extensions() and "." in name[:-1])


@cache
def extensions() -> frozenset[str]:
    """The extensions that files have."""
    return frozenset(kinds()["extensions"].split())


@cache
def _roles() -> dict[str, frozenset[str]]:
    data = cast(
        "dict[str, str]",
        json.loads(files("ally.providers.tool_calling.tiny").joinpath("words.json").read_text("utf-8")),
    )
    return {name: frozenset(text.split()) for name, text in data.items() if name != "about"}
