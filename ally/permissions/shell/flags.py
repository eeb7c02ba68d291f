"""Whether the words of a command stay within what its program is permitted to get."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from ally.permissions.shell.words import Word


@dataclass(frozen=True, slots=True)
class Program:
    """What one program may get and stay read-only; everything not listed is refused.

    `long` maps a long option to "" (no value), "=" (needs one) or "=?" (may have one after an equals sign). `inert`
    says that no option at all of the program writes or runs anything, so that a file named like one does no harm.
    """

    short: frozenset[str] = frozenset()
    short_value: frozenset[str] = frozenset()
    long: dict[str, str] = field(default_factory=dict[str, str])
    operands: str = "paths"
    first: str = ""
    first_unless: frozenset[str] = frozenset()
    most: int = 10_000
    most_unless: frozenset[str] = frozenset()
    match: str = ""
    values: str = ""
    has_number: bool = False
    inert: bool = False
    special: str = ""
    exact: frozenset[tuple[str, ...]] = frozenset()
    prefix: str = ""
    unless: tuple[str, ...] = ()


@dataclass(slots=True)
class Parsed:
    """The operands that are paths, the one that is a program text, the values of options; or why it is refused.

    `is_placeless` says that the folder it runs in makes no difference."""

    paths: list[Word] = field(default_factory=list[Word])
    first: Word | None = None
    values: list[str] = field(default_factory=list[str])
    refusal: str = ""
    is_placeless: bool = False


@cache
def programs() -> dict[str, Program]:
    """The table, by program or by program and sub-command."""
    table: dict[str, dict[str, Any]] = json.loads(  # Any: rows of our own file, given a shape below
        files("ally.permissions.shell").joinpath("programs.json").read_text("utf-8")
    )
    return {name: _program(table, row) for name, row in table.items()}


def _program(table: dict[str, dict[str, Any]], row: dict[str, Any]) -> Program:  # Any: as above
    row = table[row["same"]] if "same" in row else row
    rows = [row, table[row["same_long"]]] if "same_long" in row else [row]
    long = [option for part in rows for line in _lines(part.get("long", "")) for option in line.split()]
    names = [re.fullmatch(r"([^=]+)(=\??)?", option) for option in long]
    return Program(
        short=frozenset(row.get("short", "")),
        short_value=frozenset(row.get("short_value", "")),
        long={name[1]: name[2] or "" for name in names if name},
        operands=row.get("operands", "paths"),
        first=row.get("first", ""),
        first_unless=frozenset(row.get("first_unless", ())),
        most=row.get("max", 0 if row.get("operands") == "none" else 10_000),
        most_unless=frozenset(row.get("max_unless", ())),
        match=row.get("match", ""),
        values=row.get("values", ""),
        has_number=row.get("number", False),
        inert=row.get("inert", False),
        special=row.get("special", ""),
        exact=frozenset(tuple(form.split()) for form in row.get("exact", "").split("|") if form),
        prefix=row.get("show", ""),
        unless=tuple(row.get("unless", ())),
    )


def _lines(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def check(words: Sequence[Word], program: Program) -> Parsed:
    """Compare the words after the program's name with what it may get."""
    parsed, operands, seen = Parsed(), list[Word](), set[str]()
    todo = list(words)
    while todo and not parsed.refusal:
        word = todo.pop(0)
        if word.text == "--":
            operands += todo
            break
        if word.text is not None and word.text.startswith("--"):
            parsed.refusal = _long(word.text, todo, program, seen, parsed.values)
        elif word.text is not None and word.text.startswith("-") and len(word.text) > 1:
            parsed.refusal = _short(word.text, todo, program, seen, parsed.values)
        elif word.text is None and word.may_be_option and not program.inert:
            parsed.refusal = "a file named like an option could become one"
            if word.pattern is None:
                parsed.refusal = "it uses a value that is not known"
        else:
            operands.append(word)
    return parsed if parsed.refusal else _operands(parsed, operands, seen, program)


def _operands(parsed: Parsed, operands: list[Word], seen: set[str], program: Program) -> Parsed:
    unknown = [word for word in operands if word.text is None and word.pattern is None]
    globs = [word for word in operands if word.pattern is not None]
    if unknown:
        parsed.refusal = "it uses a value that is not known"
        return parsed
    if program.first and not seen & program.first_unless and operands:
        parsed.first, operands = operands[0], operands[1:]
        if parsed.first.text is None:
            parsed.refusal = "it uses a value that is not known"
    most = 10_000 if seen & program.most_unless else program.most
    if len(operands) > most or (globs and most < 10_000):
        parsed.refusal = "it has more operands than a reading form has"
    elif program.match and not all(word.text and re.fullmatch(program.match, word.text) for word in operands):
        parsed.refusal = "an operand has another form than is known to be harmless"
    elif program.operands == "paths":
        parsed.paths = operands
    return parsed


def _long(text: str, todo: list[Word], program: Program, seen: set[str], values: list[str]) -> str:
    name, equals, value = text[2:].partition("=")
    kind = program.long.get(name)
    if kind is None or (equals and not kind):
        return f"--{name} is not known to be harmless"
    seen.add(f"--{name}")
    if equals:
        values.append(value)
    elif kind == "=":
        return _take(todo, values)
    return ""


def _short(text: str, todo: list[Word], program: Program, seen: set[str], values: list[str]) -> str:
    if program.has_number and re.fullmatch(r"-\d+", text):
        return ""
    for i, letter in enumerate(text[1:], start=1):
        seen.add(f"-{letter}")
        if letter in program.short_value:
            if text[i + 1 :]:
                values.append(text[i + 1 :])
                return ""
            return _take(todo, values)
        if letter not in program.short:
            return f"-{letter} is not known to be harmless"
    return ""


def _take(todo: list[Word], values: list[str]) -> str:
    """The next word as an option's value."""
    value = todo.pop(0).text if todo else None
    if value is None:
        return "the value of an option is not known"
    values.append(value)
    return ""
