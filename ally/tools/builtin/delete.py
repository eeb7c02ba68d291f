"""The tool that deletes."""

import os
import shutil
import stat
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from ally.errors import ToolError
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe
from ally.tools.opening import Spot, exclusive, granted, hold
from ally.tools.paths import act_on, failed, locate, missing
from ally.tools.threads import run_to_end

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

_SPEC = describe("delete", {"path": {"type": "string"}, "recursive": {"type": "boolean"}}, ("path",))


class DeleteTool:
    """Deletes a file, a link (never what it leads to), or a folder."""

    def __init__(self, bench: "Bench") -> None:
        self._workspace = bench.workspace

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It deletes the path."""
        return act_on("delete", "delete", self._workspace, args["path"])

    def preview(self, args: JsonObject) -> str:
        """How much a folder holds; of a file nothing."""
        path = self._entry(args)
        self._check(args, path)
        count = self._check_folder(args, path, Event()) if _is_folder(path) else 0
        return f"{args['path']} holds {count} files and folders" if count else ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Delete it."""

        def work(stop: Event) -> ToolOutput:
            granted("delete", locate("delete", self._workspace, args["path"]), run.grant)
            path = self._entry(args)
            self._check(args, path)
            try:
                if _is_folder(path):
                    self._check_folder(args, path, stop)
                with hold("delete", path) as spot, exclusive(spot):
                    return self._delete(spot, args, run)
            except FileNotFoundError as exc:
                raise missing("delete", args["path"], path) from exc
            except OSError as exc:
                raise failed("delete", args["path"], exc) from exc

        return await run_to_end(work)

    def _entry(self, args: JsonObject) -> Path:
        """The path with its folder resolved: what is deleted is the entry there, a link itself."""
        path = locate("delete", self._workspace, args["path"])
        try:
            return path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name
        except (OSError, RuntimeError) as exc:
            raise ToolError("delete", f"{args['path']} leads nowhere: {exc}.") from exc

    def _check(self, args: JsonObject, path: Path) -> None:
        """Refuse what nobody means to delete."""
        name, root, home = args["path"], self._workspace.root, self._workspace.home
        if any(_is_git(part) for part in path.parts):
            raise ToolError("delete", f"{name} belongs to a Git repository's own data and is never deleted.")
        for kept, what in ((root, "the working folder"), (home, "the home folder")):
            if kept.is_relative_to(path) or _is_same(kept, path):
                raise ToolError("delete", f"{name} is {what} or holds it, and is never deleted.")
        if not os.path.lexists(path):
            raise missing("delete", name, path)

    def _check_folder(self, args: JsonObject, path: Path, stop: Event) -> int:
        """How much it holds; refuse what takes more along than was asked for."""
        count = 0
        for folder, folders, files in os.walk(path):
            count += len(folders) + len(files)
            if count and not args.get("recursive"):
                hint = "With recursive it is deleted whole."
                raise ToolError("delete", f"{args['path']} is a folder and not empty.", hint=hint)
            if any(_is_git(name) for name in (*folders, *files)):
                where = os.path.relpath(folder, self._workspace.root)
                raise ToolError("delete", f"{args['path']} holds a Git repository ({where}) and is not deleted.")
            if stop.is_set():
                raise ToolError("delete", "Stopped before anything was deleted.")
        return count

    def _delete(self, spot: Spot, args: JsonObject, run: Run) -> ToolOutput:
        found = os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            granted("delete", spot.path, run.grant)
        what = "folder" if stat.S_ISDIR(found.st_mode) else "link" if stat.S_ISLNK(found.st_mode) else "file"
        if what != "folder":
            os.unlink(spot.name, dir_fd=spot.folder)
        elif args.get("recursive"):
            shutil.rmtree(spot.name, dir_fd=spot.folder)
        else:
            os.rmdir(spot.name, dir_fd=spot.folder)
        gone = [path for path in self._workspace.seen if path == spot.path or path.is_relative_to(spot.path)]
        for path in gone:
            del self._workspace.seen[path]
        return ToolOutput(f"Deleted the {what} {args['path']}.", f"deleted the {what} {args['path']}")


def _is_same(one: Path, other: Path) -> bool:
    """Whether both are one folder by other names, as on file systems that ignore case."""
    try:
        return not other.is_symlink() and one.samefile(other)
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_git(name: str) -> bool:
    """Also as file systems that ignore case, and dots and blanks at the end, see it."""
    return name.rstrip(". ").casefold() == ".git"
