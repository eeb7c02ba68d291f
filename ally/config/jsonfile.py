"""Reading a JSON file that people write by hand, with errors that say where and how to mend it."""

import json
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from ally.errors import ConfigError
from ally.messages import JsonObject

MAX_BYTES = 1_000_000
MAX_DEPTH = 100  # far below the depth at which Python runs out of stack in what walks the values later

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING_OR_CONSTANT = re.compile(r'"(?:\\.|[^"\\])*"|(-?Infinity|NaN)', re.DOTALL)
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A file, its text and the object in it; a draft is not written yet, so its lines are nothing to point at."""

    path: Path
    text: str = field(repr=False)
    data: JsonObject = field(repr=False)
    is_draft: bool = False

    def place(self, keys: Sequence[str]) -> str:
        """`FILE, line L` of the value at `keys`, or of its nearest parent."""
        if self.is_draft:
            return str(self.path)
        return f"{self.path}, line {_line(self.text, locate(self.text, keys))}"


def read_json_file(path: Path) -> JsonFile | None:
    """The object in `path`, or None when there is no such file.

    Raises:
        ConfigError: it cannot be read or is not one JSON object; the message names line and column.
    """
    raw = _read(path)
    if raw is None:
        return None
    text = _decode(path, raw)
    return JsonFile(path, text, parse_object(path, text))


def parse_object(path: Path, text: str) -> JsonObject:
    """The JSON object that `text` is; `path` is for the messages.

    Raises:
        ConfigError: it is anything else.
    """
    if not text.strip():
        raise ConfigError(f"{path} is empty.", file=path, hint="write {} into it, or delete it")

    def refuse_constant(name: str) -> None:  # NaN or Infinity, which Python's parser would accept
        found = next((match for match in _STRING_OR_CONSTANT.finditer(text) if match.group(1)), None)
        where = _where(text, found.start(1) if found else 0)
        raise ConfigError(f"{path}, {where}: {name} is not a JSON value.", file=path, hint="write a number")

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        result: dict[str, object] = {}
        for key, value in pairs:
            if key in result:
                raise ConfigError(f"{path} holds the key {key!r} twice.", file=path, key=key, hint="remove one")
            result[key] = value
        return result

    try:
        data: object = json.loads(text, object_pairs_hook=unique, parse_constant=refuse_constant)
        if _is_deeper(data, MAX_DEPTH):
            raise RecursionError
    except json.JSONDecodeError as exc:
        raise _syntax_error(path, text, exc) from None
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply.", file=path, hint="remove some brackets") from None
    except ValueError:  # an integer of more digits than Python reads
        raise ConfigError(f"{path} holds a number with too many digits.", file=path, hint="shorten it") from None
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path} must hold one JSON object, not {type_name(data)}.", file=path, hint="start with { and end with }"
        )
    result = cast(JsonObject, data)
    if "\\u" in text:
        _refuse_half_characters(path, result)
    return result


def locate(text: str, keys: Sequence[str]) -> int:
    """Position in valid JSON `text` of the key named by the last of `keys`, or of the nearest parent that is there."""
    found = position = skip_space(text, 0)
    for key in keys:
        member = next((m for m in members(text, position) if m.key == key), None)
        if member is None:
            break
        found, position = member.start, member.value_start
    return found


@dataclass(frozen=True, slots=True)
class Member:
    """Where one `"key": value` of an object stands in the text."""

    key: str
    start: int
    value_start: int
    end: int


def members(text: str, position: int) -> list[Member]:
    """The members of the object that starts at `position` of valid JSON `text`; empty for any other value."""
    found: list[Member] = []
    if text[position] != "{":
        return found
    position = skip_space(text, position + 1)
    while text[position] != "}":
        key, after_key = _DECODER.raw_decode(text, position)
        value_start = skip_space(text, skip_space(text, after_key) + 1)
        end = _DECODER.raw_decode(text, value_start)[1]
        found.append(Member(key, position, value_start, end))
        position = skip_space(text, end)
        if text[position] == ",":
            position = skip_space(text, position + 1)
    return found


def value_end(text: str, position: int) -> int:
    """Where the value that starts at `position` of valid JSON `text` ends."""
    return _DECODER.raw_decode(text, position)[1]


def skip_space(text: str, position: int) -> int:
    """The first position from `position` on that is not white space."""
    match = _SPACE.match(text, position)
    return match.end() if match else position


def type_name(value: object) -> str:
    """What a JSON value is, in words; a number is shown."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:20]
    names = {"NoneType": "null", "bool": "true or false", "str": "text", "list": "a list"}
    return names.get(type(value).__name__, "an object")


def _read(path: Path) -> bytes | None:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise ConfigError(f"{path} is {what}.", file=path, hint="put a JSON file in its place, or remove it")
        if found.st_size > MAX_BYTES:
            raise ConfigError(f"{path} is larger than 1 MB.", file=path, hint="this is not Ally's configuration")
        return path.read_bytes()
    except FileNotFoundError:
        if not path.is_symlink():
            return None
        message = f"{path} is a link to a file that does not exist."
        raise ConfigError(message, file=path, hint="remove the link") from None
    except OSError as exc:
        message = f"{path} cannot be read: {exc.strerror or exc}."
        raise ConfigError(message, file=path, hint="change its permissions") from exc


def _decode(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        raise ConfigError(
            f"{path} is not UTF-8 text (line {line}).", file=path, hint="save it with the encoding UTF-8"
        ) from None


def _is_deeper(value: object, levels: int) -> bool:
    inner = list(cast(JsonObject, value).values()) if isinstance(value, dict) else value
    return levels == 0 or (
        isinstance(inner, list) and any(_is_deeper(item, levels - 1) for item in cast(list[object], inner))
    )


def _refuse_half_characters(path: Path, data: JsonObject) -> None:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"{path} holds half of a character (\\ud800 to \\udfff alone).", file=path, hint="write the character"
        ) from None


def _syntax_error(path: Path, text: str, exc: json.JSONDecodeError) -> ConfigError:
    position = exc.pos
    before = text[:position].rstrip()
    rest = text[position:]
    if exc.msg.startswith("Illegal trailing comma") or (rest[:1] in ("}", "]") and before.endswith(",")):
        position = position if rest.startswith(",") else len(before) - 1
        problem, hint = "a comma before the closing bracket", "remove the comma after the last entry"
    else:
        problem, hint = _diagnose(exc.msg, rest)
    return ConfigError(f"{path}, {_where(text, position)}: {problem}.", file=path, hint=hint)


def _diagnose(message: str, rest: str) -> tuple[str, str]:
    """What is wrong and how to mend it, from the parser's message and the text that it stopped at."""
    for starts, problem, hint in _COMMON:
        if rest.startswith(starts):
            return problem, hint
    for part, problem, hint in _EXPECTED:
        if part in message:
            return (f"{problem}, but the file ends" if not rest.strip() else problem), hint
    return message, "see the example in config.json of Ally"


_COMMON: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("//", "/*", "#"), "a comment, which JSON does not have", "remove the comment"),
    (
        ("'", "\u201c", "\u201d", "\u2018", "\u2019"),
        "another quotation mark than JSON's",
        'write "text" with straight quotes',
    ),
    (("True", "False", "None"), "a value in Python's spelling", "write true, false or null"),
    (("undefined",), "a value that JSON does not have", "write null"),
)
_EXPECTED = (
    ("property name", 'a key in double quotes is expected, e.g. "provider"', 'write {"key": value, ...}'),
    ("',' delimiter", "a comma or a closing bracket is expected", "put a comma between two entries"),
    ("':' delimiter", "a colon is expected after the key", 'write "key": value'),
    ("Expecting value", "a value is expected", 'write "text", a number, true, false, null, [...] or {...}'),
    ("Unterminated string", "a text that starts here never ends", 'close it with "'),
    ("Invalid control character", "a line break or tab inside a text", "write \\n or \\t"),
    ("escape", "a backslash that starts no JSON escape", "write \\\\ for a backslash, e.g. in Windows paths"),
    ("Extra data", "more text after the end of the object", "keep one { ... } in the file"),
)


def _where(text: str, position: int) -> str:
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return f"line {_line(text, position)}, column {column}"


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
