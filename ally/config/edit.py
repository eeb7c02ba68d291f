"""Changes one value in the text of a JSON file and leaves the rest of the text as it is."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from ally.config.jsonfile import Member, members, skip_space, value_end
from ally.messages import JsonObject

DEFAULT_INDENT = "    "
MAX_INLINE = 80


def set_value(text: str, keys: Sequence[str], value: object) -> str:
    """`text`, a valid JSON object, with the value at `keys` replaced or added; `keys` is not empty.

    Objects on the way that are missing or not objects are made. Indentation and line ends follow those of the file.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    unit = _indent_unit(text)
    position = skip_space(text, 0)
    for depth, key in enumerate(keys):
        found = next((member for member in members(text, position) if member.key == key), None)
        rest = keys[depth + 1 :]
        if found is None:
            return _insert(text, position, key, _Dump(_nested(rest, value), unit, newline))
        if not rest or text[found.value_start] != "{":
            new = _Dump(_nested(rest, value), unit, newline).at(_lead(text, found.start))
            return text[: found.value_start] + new + text[found.end :]
        position = found.value_start
    return text


def remove_value(text: str, keys: Sequence[str]) -> str:
    """`text`, a valid JSON object, without the member at `keys`; as it was where there is none."""
    position = skip_space(text, 0)
    for depth, key in enumerate(keys):
        there = members(text, position)
        at = next((place for place, member in enumerate(there) if member.key == key), None)
        if at is None:
            return text
        if depth < len(keys) - 1:
            position = there[at].value_start
        elif len(there) == 1:
            return text[: position + 1] + text[value_end(text, position) - 1 :]
        elif at == len(there) - 1:
            return text[: there[at - 1].end] + text[there[at].end :]
        else:
            return text[: there[at].start] + text[there[at + 1].start :]
    return text


@dataclass(frozen=True, slots=True)
class _Dump:
    """A value to be written, in the style of the file."""

    value: object
    unit: str
    newline: str

    def at(self, lead: str) -> str:
        """The value as JSON text whose lines after the first start with `lead`."""
        return self._text(self.value, lead)

    def _text(self, value: object, lead: str) -> str:
        inline = json.dumps(value, ensure_ascii=False)
        inner = lead + self.unit
        if isinstance(value, dict) and value:
            pairs = cast(JsonObject, value).items()
            items = [json.dumps(key, ensure_ascii=False) + ": " + self._text(item, inner) for key, item in pairs]
        elif isinstance(value, list) and len(inline) > MAX_INLINE:
            items = [self._text(item, inner) for item in cast(list[object], value)]
        else:
            return inline
        lines = f",{self.newline}{inner}".join(items)
        return f"{inline[0]}{self.newline}{inner}{lines}{self.newline}{lead}{inline[-1]}"


def _nested(keys: Sequence[str], value: object) -> object:
    for key in reversed(keys):
        value = {key: value}
    return value


def _insert(text: str, position: int, key: str, dump: _Dump) -> str:
    """Add a member at the end of the object at `position`."""
    name = json.dumps(key, ensure_ascii=False) + ": "
    there = members(text, position)
    if not there:
        lead = _lead(text, position)
        inner = lead + dump.unit
        body = f"{{{dump.newline}{inner}{name}{dump.at(inner)}{dump.newline}{lead}}}"
        return text[:position] + body + text[value_end(text, position) :]
    last: Member = there[-1]
    if _starts_line(text, last.start):
        lead = _lead(text, last.start)
        return text[: last.end] + f",{dump.newline}{lead}{name}{dump.at(lead)}" + text[last.end :]
    return text[: last.end] + f", {name}{dump.at(_lead(text, last.start))}" + text[last.end :]


def _indent_unit(text: str) -> str:
    """How one level is indented, read off the first member of the object."""
    there = members(text, skip_space(text, 0))
    lead = _lead(text, there[0].start) if there and _starts_line(text, there[0].start) else ""
    return lead or DEFAULT_INDENT


def _lead(text: str, position: int) -> str:
    """The white space at the start of the line of `position`."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    found = re.match(r"[ \t]*", line)
    return found.group() if found else ""


def _starts_line(text: str, position: int) -> bool:
    line_start = text.rfind("\n", 0, position) + 1
    return line_start > 0 and not text[line_start:position].strip()
