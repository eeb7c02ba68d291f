"""The tool that replaces passages of a file."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar, cast

from ally.errors import ToolError
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.tools import difference, nearest
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe
from ally.tools.contents import Content, check_unchanged, check_writable, load, store
from ally.tools.opening import Spot, exclusive, granted, hold
from ally.tools.paths import act_on, failed, locate, missing
from ally.tools.replacing import Change, Edit, NoMatch, apply, find_changes, line_of
from ally.tools.threads import run_to_end

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

Result = TypeVar("Result")

_SPEC = describe(
    "edit",
    {
        "path": {"type": "string"},
        "edits": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "old": {"type": "string"},
                    "new": {"type": "string"},
                    "all": {"type": "boolean"},
                },
                "required": ["old", "new"],
            },
        },
    },
    ("path", "edits"),
)


class EditTool:
    """Replaces exact text, all or nothing, and leaves every other byte as it was."""

    def __init__(self, bench: "Bench") -> None:
        self._workspace = bench.workspace
        self._shown: dict[Path, bytes] = {}
        """What a file held when the user was shown the change, by resolved path."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It writes the path."""
        return act_on("edit", "write", self._workspace, args["path"])

    def preview(self, args: JsonObject) -> str:
        """The change as a unified diff."""
        path = locate("edit", self._workspace, args["path"]).resolve()

        def look(spot: Spot) -> str:
            content, changes = self._plan(spot, args)
            self._shown[path] = content.digest
            return difference.unified(content.text, apply(content.text, changes), content.name)

        return _at(args["path"], path, look)

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Make the edits."""
        path = granted("edit", locate("edit", self._workspace, args["path"]), run.grant)
        shown = self._shown.pop(path, None)

        def change(spot: Spot) -> ToolOutput:
            with exclusive(spot):
                content, changes = self._plan(spot, args)
                if shown not in (None, content.digest):
                    text = f"{content.name} was changed by somebody since the user agreed to the edit."
                    raise ToolError("edit", text, hint="Read it again.")
                after = apply(content.text, changes)
                store(spot, self._workspace, content.name, content.encoding.encode(after))
            return _told(content, changes, after)

        def work(stop: Event) -> ToolOutput:
            return _at(args["path"], path, change)

        return await run_to_end(work)

    def _plan(self, spot: Spot, args: JsonObject) -> tuple[Content, list[Change]]:
        """The file and what the edits change in it."""
        content = load(spot, args["path"])
        check_unchanged("edit", self._workspace, spot.path, content)
        wishes = cast("list[JsonObject]", args["edits"])
        edits = [Edit(wish["old"], wish["new"], bool(wish.get("all"))) for wish in wishes]
        try:
            changes = find_changes(content.text, edits)
        except NoMatch as exc:
            edit = edits[exc.position]
            which = f"Old text {exc.position + 1} of {len(edits)}" if len(edits) > 1 else "The old text"
            hint = nearest.explain(content.text, edit.old, edit.new) if exc.is_absent else ""
            raise ToolError("edit", f"{content.name} is unchanged. {which} {exc}.", hint=hint) from exc
        for change in changes:
            check_writable("edit", change.new, content.encoding, content.name)
        return content, changes


def _at(name: str, path: Path, work: Callable[[Spot], Result]) -> Result:
    try:
        with hold("edit", path) as spot:
            return work(spot)
    except FileNotFoundError as exc:
        raise missing("edit", name, path) from exc
    except OSError as exc:
        raise failed("edit", name, exc) from exc


def _told(content: Content, changes: list[Change], after: str) -> ToolOutput:
    lines = sorted({line_of(content.text, change.start) for change in changes[:20]})
    where = f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}" + (" and more" if len(changes) > 20 else "")
    size = difference.summary(content.text, after)
    return ToolOutput(f"Edited {content.name}, {where}: {size}.", f"edited {content.name}, {size}")
