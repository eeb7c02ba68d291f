"""`ally models`: what runs on this machine, fetching more of it, and removing it."""

import argparse
import json
import sys
import time

from ally.app import App
from ally.cli import exits
from ally.cli.terminal import one_line, say
from ally.errors import UsageError
from ally.messages import JsonObject
from ally.models import store
from ally.models.catalogue import CatalogueEntry, load_catalogue
from ally.models.fetch import size_text
from ally.models.progress import OnProgress, Progress

_LINE_EVERY_S = 5.0


def run(args: argparse.Namespace, app: App) -> int:
    """Run `ally models ACTION`."""
    match args.action:
        case "pull":
            return _pull(args, app)
        case "remove":
            return _remove(args.name, app)
        case "list":
            return _list(app, as_json=args.json)
        case other:
            raise UsageError(f"unknown action {other}", hint="ally models -h lists what is accepted")


def meter() -> OnProgress:
    """A listener that shows a fetch on stderr: a bar on a terminal, else a line now and then."""
    return _Bar() if sys.stderr.isatty() else _Lines()


def _pull(args: argparse.Namespace, app: App) -> int:
    from ally.models.pull import PullOptions, pull  # heavy

    before = store.find(app.paths, args.name)
    model = pull(app.paths, args.name, PullOptions(source=args.source, force=args.force), meter())
    if before is not None and not args.force:
        say(f"{model.name} is on this machine already: {model.path}")
    else:
        say(f"{model.name} is ready: ally --provider local --model {model.name}")
    return exits.OK


def _remove(name: str, app: App) -> int:
    model = store.remove(app.paths, name)
    say(f"Removed {model.name} ({size_text(model.size_bytes)}).")
    return exits.OK


def _list(app: App, *, as_json: bool) -> int:
    rows = _rows(app)
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return exits.OK
    table = [("NAME", "PARAMETERS", "SIZE", "CONTEXT", "TOOLS", "LICENCE", "HERE"), *(_cells(row) for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]))]
    for cells in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    say(
        "Fetch one: ally models pull NAME. Any other GGUF file: ally models pull MY-NAME --from hf:OWNER/REPO/FILE.gguf"
    )
    return exits.OK


def _rows(app: App) -> list[JsonObject]:
    """One object for each model: those on this machine, then the rest of the catalogue."""
    catalogue = load_catalogue()
    here = store.installed(app.paths)
    rows = [_row(model.name, catalogue.get(model.name), model) for model in here]
    names = {model.name for model in here}
    return rows + [_row(name, entry, None) for name, entry in catalogue.items() if name not in names]


def _row(name: str, entry: CatalogueEntry | None, model: store.InstalledModel | None) -> JsonObject:
    record = model.record if model else None
    return {
        "name": name,
        "display_name": entry.display_name if entry else name,
        "parameters": entry.parameters if entry else None,
        "quantisation": entry.quantisation if entry else None,
        "licence": entry.licence if entry else None,
        "size_bytes": model.size_bytes if model else entry.size_bytes if entry else None,
        "sha256": record.sha256 if record else entry.sha256 if entry else None,
        "context_window": entry.context_window if entry else record.context_window if record else None,
        "tools": entry.tools if entry else record.tools if record else None,
        "installed": model is not None,
        "path": str(model.path) if model else None,
        "source": model.source if model else str(entry.sources[0]) if entry else None,
        "pulled_at": record.pulled_at if record else None,
    }


def _cells(row: JsonObject) -> tuple[str, ...]:
    size, window, tools = row["size_bytes"], row["context_window"], row["tools"]
    cells = (
        row["name"],
        row["parameters"] or "?",
        size_text(size) if isinstance(size, int) else "?",
        f"{window:,}" if isinstance(window, int) else "?",
        "?" if tools is None else "yes" if tools else "no",
        row["licence"] or "?",
        "yes" if row["installed"] else "",
    )
    return tuple(one_line(str(cell)) for cell in cells)


class _Lines:
    """Progress as lines, for logs and dumb terminals."""

    def __init__(self) -> None:
        self._next_at = 0.0
        self._phase = ""

    def __call__(self, progress: Progress) -> None:
        started = progress.phase != self._phase
        if started or time.monotonic() >= self._next_at:
            self._phase = progress.phase
            self._next_at = time.monotonic() + _LINE_EVERY_S
            say(_describe(progress))


class _Bar:
    """Progress as one bar that is redrawn."""

    def __init__(self) -> None:
        from rich.console import Console  # heavy
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._rich = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._rich.add_task("", total=None)
        self._phase = ""

    def __call__(self, progress: Progress) -> None:
        if progress.phase == "done":
            self._rich.stop()
            return
        self._rich.start()
        if progress.phase != self._phase:
            self._phase = progress.phase
            self._rich.reset(self._task, description=one_line(_title(progress)))
        self._rich.update(self._task, completed=progress.done_bytes, total=progress.total_bytes)


def _title(progress: Progress) -> str:
    titles = {"wait": "waiting for another ally to fetch", "fetch": "fetching", "check": "checking", "done": "fetched"}
    return f"{titles[progress.phase]} {progress.model}"


def _describe(progress: Progress) -> str:
    text = _title(progress)
    if progress.phase == "wait":
        return text
    if progress.total_bytes:
        share = 100 * progress.done_bytes // progress.total_bytes
        text += f": {size_text(progress.done_bytes)} of {size_text(progress.total_bytes)} ({share} %)"
    return f"{text} from {progress.source}" if progress.phase == "fetch" and progress.done_bytes == 0 else text
