"""The tool that finds passages in the user's collections."""

import asyncio
from typing import TYPE_CHECKING

from ally.errors import ToolError
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.rag.librarian import Given, room
from ally.rag.search.query import Query
from ally.terminal.text import one_line
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

DEFAULT_LIMIT, MAX_LIMIT = 8, 20
_MAX_QUERY = 2_000
_SPEC = describe(
    "knowledge",
    {
        "query": {"type": "string"},
        "collection": {"type": "string"},
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
    },
    ("query",),
)


class KnowledgeTool:
    """Gives passages with their numbers, which an answer cites."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It touches nothing: what is in collections was put there for answers. A rule may name the collection."""
        return Action("knowledge", "none", subject=args.get("collection") or "")

    def preview(self, args: JsonObject) -> str:
        """Nothing: the arguments say it."""
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Search in a thread; a call that is cancelled leaves it alone, for it changes nothing."""
        librarian = self._bench.librarian
        if librarian is None or not args["query"].strip():
            raise ToolError("knowledge", "There are no collections." if librarian is None else "The query is empty.")
        limit = int(args.get("limit") or DEFAULT_LIMIT)
        query = Query(args["query"][:_MAX_QUERY], limit, room(self._bench.window()))
        sources = self._bench.sources()
        given = await asyncio.to_thread(librarian.find, query, sources, args.get("collection") or "")
        return ToolOutput(_for_model(given), "; ".join([given.in_words(), *given.notes]), sources=given.sources)


def _for_model(given: Given) -> str:
    hidden = f"[{given.left_out} found in files that may not be read are left out.]" if given.left_out else ""
    if given.text:
        return f"{hidden}\n\n{given.text}" if hidden else given.text
    names = one_line(", ".join(given.names))
    return f"Nothing was found in {names}. Try other words, or say that it is not there. {hidden}".rstrip()
