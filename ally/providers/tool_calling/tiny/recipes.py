"""What a request says about the arguments of each tool."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ally.messages import JsonObject, ToolSpec
from ally.providers.tool_calling.tiny import passages
from ally.providers.tool_calling.tiny.fields import properties
from ally.providers.tool_calling.tiny.said import Said, looks_like_path
from ally.providers.tool_calling.tiny.spans import normal

Values = Sequence[Any]  # Any: JSON values
Found = Mapping[str, Values]
"""Possible values by parameter; what is not in it was not spoken of."""

_PATH_NAMES = ("path", "file", "filename", "filepath", "folder", "directory", "dir")
_URL_NAMES = ("url", "uri", "link")
_COMMAND_NAMES = ("command", "cmd")


def find_values(tool: ToolSpec, said: Said) -> Found:
    """The values that `said` has for the parameters of `tool`."""
    recipe = _RECIPES.get(tool.name)
    found = recipe(said) if recipe else _by_names(tool, said)
    if tool.name == "find" and "path" not in properties(tool.parameters):
        found = _with_folder(found)
    return {name: values for name, values in found.items() if values}


def _read(said: Said) -> Found:
    offset, limit = passages.windows(said)
    return {"path": passages.file_paths(said), "offset": _one(offset), "limit": _one(limit)}


def _write(said: Said) -> Found:
    path = passages.file_paths(said)
    content = [text for text in passages.contents(said) if text not in path]
    return {"path": path, "content": content or ([""] if passages.is_bare_creation(said) else [])}


def _edit(said: Said) -> Found:
    found = passages.pairs(said)
    every = bool(said.words() & {"all", "every", "each", "everywhere", "alle", "jedes", "tous", "toutes", "todos"})
    edits = [[{"old": old, "new": new, **({"all": True} if every else {})}] for old, new in found]
    spoken = {text for pair in found for text in pair}
    return {
        "path": [path for path in passages.file_paths(said) if path not in spoken],
        "edits": edits,
        **{name: [old for old, _ in found] for name in ("old", "old_text", "old_string")},
        **{name: [new for _, new in found] for name in ("new", "new_text", "new_string")},
        "all": [True] if every else [],
    }


def _delete(said: Said) -> Found:
    return {"path": passages.paths(said), "recursive": [True] if said.has("recursive") else []}


def _list(said: Said) -> Found:
    return {"path": passages.folders(said) or [passages.HERE]}


def _find(said: Said) -> Found:
    pattern = passages.patterns(said)
    folder = [path for path in passages.folders(said) if path not in pattern and f"{path}/" not in pattern]
    return {"pattern": pattern, "path": folder, "newest": [True] if said.has("newest") else []}


def _with_folder(found: Found) -> Found:
    """The folder as a part of the pattern, for a tool that takes no other and never leaves the working folder."""
    inside = [f"{folder.rstrip('/')}/**/" for folder in found["path"][:1] if folder[:1] not in "/~."] or [""]
    return {**found, "pattern": [f"{inside[0]}{pattern}" for pattern in found["pattern"]]}


def _grep(said: Said) -> Found:
    pattern = [_as_expression(text) for text in passages.searches(said)]
    folder = [part.text for part in said.parts if looks_like_path(part) and part.text not in pattern]
    ignores = {"insensitive", "ignoring", "ignore", "regardless"} & said.words() and "case" in said.words()
    return {
        "pattern": pattern,
        "path": folder,
        "glob": said.values("glob") or [f"*{text}" for text in said.values("extension")],
        "ignore_case": [True] if ignores else [],
        "files_only": [True] if said.has("which") and said.has("file") else [],
    }


def _as_expression(text: str) -> str:
    """The regular expression that finds `text`, which mostly is one itself."""
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return re.escape(text)
    return text


def _shell(said: Said) -> Found:
    return {"command": passages.commands(said), "background": [True] if said.has("background") else []}


def _job(said: Said) -> Found:
    spoken = said.words()
    number = passages.numbers(said)[:1]
    if spoken & {"stop", "kill", "end", "cancel", "stoppe", "beende", "arrete", "deten"}:
        return {"do": ["stop"], "id": number}
    return {"do": ["read"] if number else ["list"], "id": number}


def _todo(said: Said) -> Found:
    status = "done" if said.words() & {"done", "finished", "complete", "completed", "erledigt"} else "pending"
    items = [[{"text": text, "status": status} for text in passages.literals(said)]]
    return {"items": items if items[0] else []}


def _by_names(tool: ToolSpec, said: Said) -> Found:
    """By what the parameters are called and what type they have."""
    found: dict[str, Values] = {}
    for name, schema in properties(tool.parameters).items():
        found[name] = _generic(name, schema, said)
    return found


def _generic(name: str, schema: JsonObject, said: Said) -> Values:
    parts = set(normal(name).replace("-", "_").split("_"))
    spoken = not parts.isdisjoint(said.words())
    if "enum" in schema:
        return [one for one in schema["enum"] if isinstance(one, str) and normal(one) in said.words()]
    match schema.get("type"):
        case "string":
            return _strings(parts, said)
        case "integer":
            return passages.numbers(said) if spoken else []
        case "boolean":
            return [True] if spoken else []
        case _:
            return []


def _strings(parts: set[str], said: Said) -> list[str]:
    if not parts.isdisjoint(_URL_NAMES):
        return said.values("url")
    if not parts.isdisjoint(_PATH_NAMES):
        return passages.paths(said)
    if not parts.isdisjoint(_COMMAND_NAMES):
        return passages.commands(said)
    return said.values("quoted", "code")


def _one(value: int | None) -> Values:
    return [] if value is None else [value]


_RECIPES: Mapping[str, Callable[[Said], Found]] = {
    "read": _read,
    "write": _write,
    "edit": _edit,
    "delete": _delete,
    "list": _list,
    "find": _find,
    "grep": _grep,
    "shell": _shell,
    "job": _job,
    "todo": _todo,
}
