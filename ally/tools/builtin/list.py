"""The tool that lists one folder."""

import os
import stat
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from ally.errors import ToolError
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe
from ally.tools.names import shown
from ally.tools.opening import granted
from ally.tools.paths import act_on, failed, missing
from ally.tools.threads import run_to_end

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

MAX_ENTRIES = 300
_SPEC = describe("list", {"path": {"type": "string"}})


class ListTool:
    """Names by alphabet, folders with `/`, files with their size, links with where they lead; hidden ones too."""

    def __init__(self, bench: "Bench") -> None:
        self._workspace = bench.workspace

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It reads the folder."""
        return act_on("list", "read", self._workspace, args.get("path") or ".")

    def preview(self, args: JsonObject) -> str:
        """Nothing: the path says it."""
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """List it."""
        action = self.action(args)
        folder = granted("list", action.paths[0], run.grant)

        def work(stop: Event) -> ToolOutput:
            try:
                return _listing(folder, stop)
            except FileNotFoundError as exc:
                raise missing("list", action.subject, folder) from exc
            except NotADirectoryError as exc:
                raise ToolError(
                    "list", f"{action.subject} is not a folder.", hint="The tool read shows files."
                ) from exc
            except OSError as exc:
                raise failed("list", action.subject, exc) from exc

        return await run_to_end(work)


def _listing(folder: Path, stop: Event) -> ToolOutput:
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if stop.is_set():
                break
            names.append(entry.name)
    names.sort(key=lambda name: (name.casefold(), name))
    lines = [_line(folder / name) for name in names[:MAX_ENTRIES]]
    if more := len(names) - len(lines):
        lines.append(f"[{more:,} more: the tool find shows those that match a pattern]")
    count = f"{len(names):,} entries" if len(names) != 1 else "1 entry"
    return ToolOutput("\n".join(lines) or "[the folder is empty]", count)


def _line(path: Path) -> str:
    name = shown(path.name)
    try:
        facts = path.lstat()
        if stat.S_ISLNK(facts.st_mode):
            return f"{name} -> {shown(str(path.readlink()))}"
    except OSError as exc:
        return f"{name}  [{exc.strerror}]"
    if stat.S_ISDIR(facts.st_mode):
        return f"{name}/"
    return f"{name}  {_size(facts.st_size) if stat.S_ISREG(facts.st_mode) else '[special file]'}"


def _size(size_bytes: int) -> str:
    for unit, factor in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f}{unit}"
    return str(size_bytes)
