"""A bench for tools that touch files, and calls as the engine makes them."""

from pathlib import Path

from ally.messages import JsonObject
from ally.permissions.action import Grant
from ally.sandbox import Sandbox
from ally.tools.base import Run, Tool, ToolOutput
from ally.tools.catalogue import Bench
from ally.tools.workspace import Workspace


def make_bench(root: Path, *, images: bool = False) -> Bench:
    """A bench whose working folder is `root`."""
    root = root.resolve()
    workspace = Workspace(root, root.parent, root.parent / "spill")
    return Bench(workspace, _no_sandbox, lambda path: "", lambda: (), lambda: images)


def agree(tool: Tool, args: JsonObject) -> Run:
    """What a user who says yes to the call lets it do."""
    return Run(Grant(tuple(path.resolve() for path in tool.action(args).paths)))


async def call(tool: Tool, **args: object) -> ToolOutput:
    """What a call that was allowed gives."""
    return await tool.run(args, agree(tool, args))


def _no_sandbox() -> Sandbox:
    raise NotImplementedError("files need no sandbox")
