"""A bench for tests of tools: real folders, a sandbox that confines nothing."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ally.messages import JsonObject
from ally.permissions.action import Action, Grant
from ally.sandbox import Confinement, Launch, Tier
from ally.tools.base import Run, Tool, ToolOutput
from ally.tools.catalogue import Bench
from ally.tools.workspace import Workspace


@dataclass(frozen=True)
class Open:
    """The `Sandbox` protocol without confinement; it remembers what it was asked for."""

    asked: list[Confinement]
    tier: Tier = "C"
    name: str = "none"
    reason: str = "a stand-in"

    def launch(self, argv: Sequence[str], confinement: Confinement) -> Launch:
        self.asked.append(confinement)
        return Launch(list(argv), {"PATH": os.environ["PATH"]}, confinement.root)

    def with_environment(self, env: Mapping[str, str]) -> "Open":
        return self


def make_bench(
    root: Path,
    sandbox: object = None,
    hidden: Callable[[Path], str] = lambda path: "",
    secrets: Sequence[Path] = (),
) -> Bench:
    """A bench whose working folder is `root`; spill and home lie beside it, for it alone."""
    chosen = sandbox or Open([])
    home = beside(root, "home")
    home.mkdir(exist_ok=True)
    workspace = Workspace(root.resolve(), home, beside(root, "spill"))
    return Bench(workspace, lambda: chosen, hidden, lambda: tuple(secrets), lambda: False)  # type: ignore[arg-type] - a fake of the protocol


def beside(root: Path, what: str) -> Path:
    """Where the `spill` and the `home` of a bench are."""
    return root.with_name(f"{root.name}-{what}")


async def call(tool: Tool, told: Callable[[str], None] = lambda text: None, **args: object) -> ToolOutput:
    """The call as the engine makes it, allowed to do what it asks for."""
    arguments: JsonObject = dict(args)
    action = tool.action(arguments)
    return await tool.run(arguments, Run(grant(action), told))


def grant(action: Action) -> Grant:
    """All that `action` asks for."""
    paths = tuple(Path(os.path.realpath(path)) for path in action.paths)
    return Grant(paths=paths, network=action.network, writable=action.writable)


def write(root: Path, **files: str | bytes) -> None:
    """Files by name; `__` in a name is a slash, and `_dot_` a dot."""
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
