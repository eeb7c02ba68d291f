"""What the model would have said: ten calls of the agent's own tool for reading files, then the answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEPS = 10
ANSWER = "All notes are read. The harbour is open, the light works, and the ferry leaves at noon."
TASK = "Read note-1.txt to note-10.txt in this folder, one after the other, and tell me what they say."
_PATHS = ("path", "file_path", "filePath", "absolute_path", "file", "filename")
_READERS = re.compile(r"(?i)read(_?file)?")
_LINES = 4


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said instead of the model: a text, a call of `tool`, or both."""

    text: str = ""
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """How an agent reads a file: a tool, and its argument for the path, or for a command that prints the file."""

    tool: str
    argument: str
    command: str = "{path}"


def write_notes(folder: Path, count: int = STEPS) -> None:
    """The files that are read: each of four lines, about 90 tokens."""
    for number in range(1, count + 1):
        lines = (f"Note {number}, line {n}: the tide turned at {n} o'clock and nobody saw it.\n" for n in range(_LINES))
        (folder / f"note-{number}.txt").write_text("".join(lines), encoding="utf-8")


def play(step: int, steps: int, reader: Reader, work: Path) -> Reply:
    """The reply to the request of that step, from 1; after `steps` calls the answer."""
    if step > steps:
        return Reply(ANSWER)
    path = str(work / f"note-{step}.txt")
    return Reply(tool=reader.tool, arguments={reader.argument: reader.command.format(path=path)})


def find_reader(tools: Sequence[Mapping[str, Any]]) -> Reader | None:
    """The tool that reads a file, else the shell; None if the agent sent neither."""
    functions = [tool["function"] for tool in tools]
    found = {each["name"]: each.get("parameters", {}).get("properties", {}) for each in functions}
    for name, properties in found.items():
        argument = next((path for path in _PATHS if path in properties), None)
        if _READERS.fullmatch(name) and argument:
            return Reader(name, argument)
    return Reader("shell", "command", "cat {path}") if "command" in found.get("shell", {}) else None
