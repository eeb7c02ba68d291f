"""The tools as a small model gets them: fewer, with fewer arguments and fewer words."""

from collections.abc import Callable, Sequence

from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.tools.base import Run, Tool, ToolOutput

_PATH: JsonObject = {"type": "string"}
_TEXT: JsonObject = {"type": "string"}
_COUNT: JsonObject = {"type": "integer", "minimum": 1}


def _form(description: str, properties: JsonObject, required: Sequence[str] = ()) -> tuple[str, JsonObject]:
    """What the model reads. That nothing else is allowed would cost 40 tokens; what else comes is not looked at."""
    schema: JsonObject = {"type": "object", "properties": properties}
    if required:
        schema["required"] = [*required]
    return description, schema


_FORMS = {
    "read": _form("Read a file.", {"path": _PATH, "offset": _COUNT, "limit": _COUNT}, ["path"]),
    "write": _form("Write a whole file.", {"path": _PATH, "content": _TEXT}, ["path", "content"]),
    "edit": _form(
        "Replace exact text that occurs once in a file.",
        {"path": _PATH, "old": _TEXT, "new": _TEXT},
        ["path", "old", "new"],
    ),
    "delete": _form("Delete a file.", {"path": _PATH}, ["path"]),
    "list": _form("List a folder.", {"path": _PATH}),
    "find": _form("Find files by glob, e.g. **/*.py", {"pattern": _TEXT, "path": _PATH}, ["pattern"]),
    "grep": _form("Search file contents for a regular expression.", {"pattern": _TEXT, "path": _PATH}, ["pattern"]),
    "shell": _form("Run a command.", {"command": _TEXT}, ["command"]),
    "knowledge": _form("Search the user's documents.", {"query": _TEXT}, ["query"]),
}
_LEFT_OUT = ("job", "todo")


class CompactTool:
    """A tool behind a shorter description; it does the same."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool
        name = tool.spec.name
        self._spec = ToolSpec(name, *_FORMS[name])

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return self._spec

    def action(self, args: JsonObject) -> Action:
        """What the tool itself says."""
        return self._tool.action(self._full(args))

    def preview(self, args: JsonObject) -> str:
        """What the tool itself shows."""
        return self._tool.preview(self._full(args))

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Run the tool itself."""
        return await self._tool.run(self._full(args), run)

    def _full(self, args: JsonObject) -> JsonObject:
        """The arguments as the tool itself takes them."""
        known = {name: args[name] for name in self._spec.parameters["properties"] if name in args}
        return _FULL[self._spec.name](known) if self._spec.name in _FULL else known


def compact(tools: Sequence[Tool]) -> list[Tool]:
    """`tools` without those that are beyond a small model, described in few words; their order stays.

    Tools that did not come with Ally stay as they are.
    """
    kept = (tool for tool in tools if tool.spec.name not in _LEFT_OUT)
    return [CompactTool(tool) if tool.spec.name in _FORMS else tool for tool in kept]


def for_tiny(tools: Sequence[Tool]) -> list[Tool]:
    """What is left for a model that makes nothing of a result: passages it gets only with a question."""
    return [tool for tool in compact(tools) if tool.spec.name != "knowledge"]


def _full_edit(args: JsonObject) -> JsonObject:
    return {"path": args["path"], "edits": [{"old": args["old"], "new": args["new"]}]}


_FULL: dict[str, Callable[[JsonObject], JsonObject]] = {"edit": _full_edit}
"""How the arguments become those of the tool itself, where they differ."""
