"""Paths as a model writes them."""

import difflib
import itertools
import os
from pathlib import Path

from ally.errors import ToolArguments, ToolError
from ally.permissions.action import Action, Kind
from ally.tools.workspace import Workspace

_MOST_NAMES = 5_000
_MOST_BYTES = 2_000


def locate(tool: str, workspace: Workspace, text: str) -> Path:
    """`text` as an absolute path, not resolved.

    Raises:
        ToolArguments: it is no path.
    """
    try:
        if len(os.fsencode(text)) > _MOST_BYTES:
            raise ToolArguments(tool, f"{text[:60]}… is no path: it is longer than {_MOST_BYTES} bytes.")
        return workspace.path(text)
    except ValueError as exc:  # half a character is one, too
        raise ToolArguments(tool, f"{text!r} is no path: {exc}.") from exc


def act_on(tool: str, kind: Kind, workspace: Workspace, text: str) -> Action:
    """The action of a call that touches one path."""
    return Action(tool, kind, subject=text, paths=(locate(tool, workspace, text),))


def missing(tool: str, text: str, path: Path) -> ToolError:
    """The error for a path where nothing is, with the names that come nearest."""
    if not path.parent.is_dir():
        there = next(folder for folder in path.parents if folder.is_dir())
        gone = path.relative_to(there).parts[0]
        return ToolError(tool, f"{text} does not exist: there is no {gone} in {there}.", hint=_hint(there, gone))
    return ToolError(tool, f"{text} does not exist.", hint=_hint(path.parent, path.name))


def failed(tool: str, text: str, exc: OSError) -> ToolError:
    """The error for a path that the system refused."""
    return ToolError(tool, f"{text}: {exc.strerror or exc}.")


def _hint(folder: Path, name: str) -> str:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, _MOST_NAMES)]
    except OSError:
        return ""
    folded = {one.casefold(): one for one in names}
    near = [folded[one] for one in difflib.get_close_matches(name.casefold(), folded, n=3)]
    return f"Near it: {', '.join(near)}." if near else "The tools list and find show what is there."
