"""The tools there are, and what they work with."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import cast

from ally.rag.citing.sources import Sources
from ally.rag.librarian import Librarian
from ally.sandbox import Sandbox
from ally.tools.base import Tool
from ally.tools.jobs import Jobs
from ally.tools.workspace import Workspace

_CLASSES = {
    "read": "ReadTool",
    "write": "WriteTool",
    "edit": "EditTool",
    "delete": "DeleteTool",
    "list": "ListTool",
    "find": "FindTool",
    "grep": "GrepTool",
    "shell": "ShellTool",
    "job": "JobTool",
    "todo": "TodoTool",
    "knowledge": "KnowledgeTool",
}
TOOL_NAMES = tuple(_CLASSES)
"""In the order in which every request names them, so that prompts share their beginning."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What the tools of one conversation share. The functions are asked anew each time, never at start.

    `hidden` says why a file's content must not be shown by a search ("" = it may), `secrets` what a command's sandbox
    masks, `images` whether the model takes pictures, `window` how much it reads. `jobs` must be closed when the
    conversation ends. `librarian` finds passages, which are numbered by `sources`.
    """

    workspace: Workspace
    sandbox: Callable[[], Sandbox]
    hidden: Callable[[Path], str]
    secrets: Callable[[], tuple[Path, ...]]
    images: Callable[[], bool]
    jobs: Jobs = field(default_factory=Jobs)
    librarian: Librarian | None = None
    sources: Callable[[], Sources] = Sources
    window: Callable[[], int | None] = lambda: None


def build_tools(names: Sequence[str], bench: Bench) -> list[Tool]:
    """The tools of these names, in the fixed order of `TOOL_NAMES`.

    Raises:
        KeyError: there is no tool of that name.
    """
    for name in names:
        if name not in _CLASSES:
            raise KeyError(name)
    return [_make(name, bench) for name in TOOL_NAMES if name in names]


def why_unknown(name: str) -> str:
    """Why a rule about the tool `name` speaks of nothing that comes with Ally; "" if it does."""
    known = (*TOOL_NAMES, "shell-network", "*")
    if name in known:
        return ""
    near = difflib.get_close_matches(name, known, n=1)
    return f"there is no tool {name}" + (f"; did you mean {near[0]}?" if near else "")


def _make(name: str, bench: Bench) -> Tool:
    """Only the files of the tools that are wanted are imported."""
    module = import_module(f"ally.tools.builtin.{name}")
    return cast("Tool", getattr(module, _CLASSES[name])(bench))
