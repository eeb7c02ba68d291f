"""The tool that finds files by the pattern of their path."""

import re
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from ally.errors import ToolArguments
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.storage.glob import compile_glob
from ally.storage.walk import walk
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe
from ally.tools.names import place, shown
from ally.tools.opening import granted
from ally.tools.paths import act_on, missing
from ally.tools.threads import run_to_end

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

MAX_RESULTS = 200
MAX_WALKED = 500_000
_SPEC = describe(
    "find",
    {
        "pattern": {"type": "string"},
        "path": {"type": "string"},
        "newest": {"type": "boolean"},
        "ignored": {"type": "boolean"},
    },
    ("pattern",),
)


@dataclass(frozen=True, slots=True)
class _Found:
    paths: list[str]
    is_complete: bool
    unreadable: int


class FindTool:
    """Paths that match, by name or the newest first; links are named and not followed."""

    def __init__(self, bench: "Bench") -> None:
        self._workspace = bench.workspace

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It reads the folder it searches."""
        _matcher(args["pattern"])
        return act_on("find", "read", self._workspace, args.get("path") or ".")

    def preview(self, args: JsonObject) -> str:
        """Nothing: the arguments say it."""
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Walk and match."""
        action = self.action(args)
        folder = granted("find", action.paths[0], run.grant)
        if not folder.is_dir():
            raise missing("find", action.subject, folder)
        found = await run_to_end(lambda stop: _find(folder, args, stop))
        where = place(folder, self._workspace)
        prefix = "" if where == "." else f"{where.rstrip('/')}/"
        lines = [prefix + shown(path) for path in found.paths[:MAX_RESULTS]]
        lines += _notes(found, has_ignored=bool(args.get("ignored")))
        return ToolOutput("\n".join(lines), f"{len(found.paths):,} found")


def _find(folder: Path, args: JsonObject, stop: Event) -> _Found:
    matcher = _matcher(args["pattern"])
    wants_folders = args["pattern"].rstrip().endswith("/")
    failed: list[str] = []
    count, paths = 0, list[str]()
    entries = walk(
        folder,
        respect_ignore=not args.get("ignored"),
        max_entries=MAX_WALKED,
        stop=stop.is_set,
        on_error=lambda path, exc: failed.append(path),
    )
    for entry in entries:
        count += 1
        if entry.is_dir == wants_folders and matcher.fullmatch(entry.path):
            paths.append(f"{entry.path}/" if entry.is_dir else entry.path)
    if args.get("newest"):
        changed = {path: _changed(folder, path) for path in paths if not stop.is_set()}
        paths = sorted(changed, key=lambda path: (-changed[path], path))
    return _Found(paths, count < MAX_WALKED, len(failed))


def _changed(folder: Path, path: str) -> float:
    try:
        return (folder / path).lstat().st_mtime
    except OSError:
        return 0


def _notes(found: _Found, *, has_ignored: bool) -> list[str]:
    notes: list[str] = []
    if not found.paths:
        notes.append("[nothing found]" if has_ignored else "[nothing found; what .gitignore leaves out: ignored true]")
    if (more := len(found.paths) - MAX_RESULTS) > 0:
        notes.append(f"[{more:,} more: narrow the pattern or the path]")
    if found.unreadable:
        notes.append(f"[not searched, because they cannot be read: {found.unreadable:,} folders]")
    if not found.is_complete:
        notes.append(f"[stopped after {MAX_WALKED:,} entries: give a path]")
    return notes


def _matcher(pattern: str) -> re.Pattern[str]:
    try:
        return compile_glob(pattern)
    except ValueError as exc:
        raise ToolArguments("find", f"{exc}.", hint="Such as *.py or src/**/*.{ts,tsx}.") from exc
