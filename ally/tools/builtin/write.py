"""The tool that writes a whole file."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from ally.errors import ToolError
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.storage.encoding import END, UTF8, Encoding, line_end, with_ends
from ally.tools import difference
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe
from ally.tools.contents import Content, check_unchanged, check_writable, load, store
from ally.tools.opening import Spot, exclusive, granted, hold
from ally.tools.paths import act_on, failed, locate
from ally.tools.threads import run_to_end

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

Result = TypeVar("Result")

_SPEC = describe("write", {"path": {"type": "string"}, "content": {"type": "string"}}, ("path", "content"))


class WriteTool:
    """Writes a file whole; of one that exists it keeps encoding, line ends and permissions."""

    def __init__(self, bench: "Bench") -> None:
        self._workspace = bench.workspace

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It writes the path."""
        return act_on("write", "write", self._workspace, args["path"])

    def preview(self, args: JsonObject) -> str:
        """The change as a unified diff; of a new file every line."""
        path = locate("write", self._workspace, args["path"]).resolve()

        def look(spot: Spot) -> str:
            old, new = self._plan(spot, args)
            return difference.unified(old.text if old else "", new, args["path"])

        try:
            return _at(args["path"], path, look, make_folders=False)
        except FileNotFoundError:  # its folder is still to be made
            return difference.unified("", args["content"], args["path"])

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Write the file, and the folders that it needs."""
        path = granted("write", locate("write", self._workspace, args["path"]), run.grant)

        def change(spot: Spot) -> ToolOutput:
            with exclusive(spot):
                old, new = self._plan(spot, args)
                encoding = _encoding(old)
                store(spot, self._workspace, args["path"], encoding.encode(new))
            return _told(args["path"], old, new)

        def work(stop: Event) -> ToolOutput:
            return _at(args["path"], path, change, make_folders=True)

        return await run_to_end(work)

    def _plan(self, spot: Spot, args: JsonObject) -> tuple[Content | None, str]:
        """What is there, and the text that will be."""
        name, new = args["path"], args["content"]
        if spot.look() is None:
            check_writable("write", new, UTF8, name)
            return None, new
        old = load(spot, name)
        if old.data and spot.path not in self._workspace.seen:
            hint = "Read it first, so that nothing in it is lost."
            raise ToolError("write", f"{name} exists and was not read.", hint=hint)
        check_unchanged("write", self._workspace, spot.path, old)
        if END.search(old.text):
            new = with_ends(new, line_end(old.text))
        check_writable("write", new, _encoding(old), name)
        return old, new


def _encoding(old: Content | None) -> Encoding:
    """That of the old file; what was UTF-8 with invalid bytes becomes valid."""
    if old is None:
        return UTF8
    return old.encoding if old.encoding.errors == "strict" else Encoding(old.encoding.codec, old.encoding.bom)


def _at(name: str, path: Path, work: Callable[[Spot], Result], *, make_folders: bool) -> Result:
    if name.endswith(("/", os.sep)):
        raise ToolError("write", f"{name} names a folder.", hint="Folders are made along with the files in them.")
    try:
        with hold("write", path, make_folders=make_folders) as spot:
            return work(spot)
    except FileNotFoundError:
        if not make_folders:
            raise
        raise ToolError("write", f"{name}: its folder was taken away meanwhile.", hint="Try again.") from None
    except OSError as exc:
        raise failed("write", name, exc) from exc


def _told(name: str, old: Content | None, new: str) -> ToolOutput:
    if old is None:
        count = len(END.findall(new)) + (not END.search(new[-1:]) if new else 0)
        lines = "1 line" if count == 1 else f"{count} lines"
        return ToolOutput(f"Wrote {name}, a new file of {lines}.", f"wrote {name}, new, {lines}")
    size = difference.summary(old.text, new)
    return ToolOutput(f"Wrote {name}: {size}.", f"wrote {name}, {size}")
