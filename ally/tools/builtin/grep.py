"""The tool that searches the content of files."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from ally.errors import ToolArguments, ToolError
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.storage.glob import compile_glob
from ally.storage.walk import walk
from ally.tools import engines
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe
from ally.tools.line_results import Batch, Line, batches, search
from ally.tools.names import place, shown
from ally.tools.opening import granted
from ally.tools.output import plain
from ally.tools.paths import act_on, missing
from ally.tools.threads import run_to_end

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

MAX_LINES = 200
MAX_CHARS = 24_000
MAX_FILES = 500_000
MAX_SECONDS = 30
_SPEC = describe(
    "grep",
    {
        "pattern": {"type": "string"},
        "path": {"type": "string"},
        "glob": {"type": "string"},
        "ignore_case": {"type": "boolean"},
        "context": {"type": "integer", "minimum": 0, "maximum": 20},
        "files_only": {"type": "boolean"},
        "ignored": {"type": "boolean"},
    },
    ("pattern",),
)


@dataclass(slots=True)
class _Files:
    """What is searched below `folder`, and what is not and why."""

    folder: Path
    paths: list[str] = field(default_factory=list[str])
    hidden: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    unreadable: int = 0
    is_complete: bool = True


@dataclass(slots=True)
class _Found:
    """What was found until there was enough of it or no more time."""

    lines: dict[str, list[Line]] = field(default_factory=dict[str, list[Line]])
    unreadable: int = 0
    stopped: str = ""

    def add(self, batch: Batch) -> None:
        self.lines |= batch.lines
        self.unreadable += batch.unreadable
        if not batch.is_whole:
            self.stopped = "there are many more matches: narrow the pattern, path or glob"


class GrepTool:
    """Lines that match, by file; binary files, links and what `.gitignore` names are left out."""

    def __init__(self, bench: "Bench", max_seconds: float = MAX_SECONDS) -> None:
        self._bench = bench
        self._max_seconds = max_seconds

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It reads what it searches."""
        engines.check(args["pattern"])
        return act_on("grep", "read", self._bench.workspace, args.get("path") or ".")

    def preview(self, args: JsonObject) -> str:
        """Nothing: the arguments say it."""
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Collect the files, search them, show the lines."""
        action = self.action(args)
        top = granted("grep", action.paths[0], run.grant)
        if not top.exists():
            raise missing("grep", action.subject, top)
        try:
            return await run_to_end(lambda stop: self._run(top, args, stop))
        except OSError as exc:
            raise ToolError("grep", f"The search cannot be started: {exc.strerror or exc}.") from exc

    def _run(self, top: Path, args: JsonObject, stop: Event) -> ToolOutput:
        files_only = bool(args.get("files_only"))
        context = 0 if files_only else int(args.get("context", 0))
        most = 1 if files_only else MAX_LINES + 1
        query = engines.Query(args["pattern"], bool(args.get("ignore_case")), context, most)
        engine = engines.choose(query, self._bench.workspace.root)
        files = self._collect(top, args, stop)
        found = _search(engine, files, stop, self._max_seconds)
        where = place(files.folder, self._bench.workspace)
        prefix = "" if where == "." else f"{where.rstrip('/')}/"
        return _report(files, found, prefix, files_only=files_only)

    def _collect(self, top: Path, args: JsonObject, stop: Event) -> _Files:
        """The files to search. One that was asked for by its own name was judged by that name."""
        if not top.is_dir():
            if not top.is_file():
                raise ToolError("grep", f"{shown(str(top))} is no file.")
            return _Files(top.parent, [top.name])
        matcher = _matcher(args.get("glob") or "**")
        files = _Files(top)

        def failed(path: str, exc: OSError) -> None:
            files.unreadable += 1

        entries = walk(
            top, respect_ignore=not args.get("ignored"), max_entries=MAX_FILES, stop=stop.is_set, on_error=failed
        )
        count = 0
        for entry in entries:
            count += 1
            if not entry.is_file or not matcher.fullmatch(entry.path):
                continue
            if why := self._bench.hidden(top / entry.path):
                files.hidden.append((entry.path, why))
            else:
                files.paths.append(entry.path)
        files.is_complete = count < MAX_FILES
        return files


def _search(engine: engines.Engine, files: _Files, stop: Event, max_seconds: float) -> _Found:
    found = _Found()
    until = time.monotonic() + max_seconds
    for portion in batches(files.paths):
        found.add(search(engine, files.folder, portion, lambda: stop.is_set() or time.monotonic() > until))
        if time.monotonic() > until:
            found.stopped = f"stopped after {max_seconds:g} s: narrow the path or glob, or make the pattern simpler"
        if found.stopped or sum(map(len, found.lines.values())) > MAX_LINES:
            break
    return found


def _report(files: _Files, found: _Found, prefix: str, *, files_only: bool) -> ToolOutput:
    lines: list[str] = []
    for path, hits in found.lines.items():
        lines.append(prefix + shown(path))
        if not files_only:
            lines += _numbered(hits)
    kept = _fitting(lines)
    notes: list[str] = []
    if not found.lines:
        notes.append(f"[no match in {len(files.paths):,} files]")
    if len(kept) < len(lines) or found.stopped:
        notes.append(f"[{found.stopped or 'there is more: narrow the pattern, path or glob'}]")
    if files.hidden:
        names = ", ".join(f"{prefix}{shown(path)} ({why})" for path, why in files.hidden[:3])
        more = f" and {len(files.hidden) - 3} more" if len(files.hidden) > 3 else ""
        notes.append(f"[not searched: {names}{more}]")
    if unreadable := files.unreadable + found.unreadable:
        notes.append(f"[{unreadable:,} could not be read]")
    if not files.is_complete:
        notes.append(f"[only the first {MAX_FILES:,} entries were searched: give a path]")
    count = sum(hit.is_match for hits in found.lines.values() for hit in hits)
    return ToolOutput(
        "\n".join(kept + notes), f"{_many(count, 'match', 'matches')} in {_many(len(found.lines), 'file', 'files')}"
    )


def _numbered(hits: list[Line]) -> list[str]:
    lines: list[str] = []
    last = hits[0].number
    has_context = any(not hit.is_match for hit in hits)
    for hit in hits:
        if has_context and hit.number > last + 1:
            lines.append("--")
        lines.append(f"{hit.number}{':' if hit.is_match else '-'} {plain(hit.text)}".rstrip())
        last = hit.number
    return lines


def _fitting(lines: list[str]) -> list[str]:
    kept, size = list[str](), 0
    for line in lines[:MAX_LINES]:
        size += len(line) + 1
        if size > MAX_CHARS:
            break
        kept.append(line)
    return kept


def _matcher(glob: str) -> re.Pattern[str]:
    try:
        return compile_glob(glob)
    except ValueError as exc:
        raise ToolArguments("grep", f"{exc}.", hint="Such as *.py or src/**/*.{ts,tsx}.") from exc


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"
