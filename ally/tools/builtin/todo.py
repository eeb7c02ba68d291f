"""The tool in which the model keeps its task list."""

from typing import TYPE_CHECKING, cast

from ally.errors import ToolArguments
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

MAX_ITEMS = 100

_MARKS = {"pending": "[ ]", "active": "[>]", "done": "[x]"}
_SPEC = describe(
    "todo",
    {
        "items": {
            "type": "array",
            "maxItems": MAX_ITEMS,
            "items": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "status": {"enum": list(_MARKS)}},
                "required": ["text", "status"],
            },
        }
    },
    ("items",),
)


class TodoTool:
    """Replaces the list by a new one. `items` are the texts with their status, as the model gave them last."""

    def __init__(self, bench: "Bench") -> None:
        self.items: tuple[tuple[str, str], ...] = ()

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It touches nothing."""
        return Action("todo", "none")

    def preview(self, args: JsonObject) -> str:
        """Nothing."""
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Keep the list; the model gets the counts, the user the list."""
        given = cast("list[dict[str, str]]", args["items"])
        items = tuple((" ".join(item["text"].split()), item["status"]) for item in given)
        if not all(text for text, _ in items):
            raise ToolArguments("todo", "A task without text says nothing.")
        self.items = items
        if not items:
            return ToolOutput("The list is empty.", "no tasks")
        counts = {status: sum(one == status for _, one in items) for status in _MARKS}
        told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return ToolOutput(f"Noted: {told}.", "\n".join(f"{_MARKS[status]} {text}" for text, status in items))
