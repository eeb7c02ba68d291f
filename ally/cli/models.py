"""`ally models`: what runs on this machine, fetching more of it, and removing it."""

import argparse
import json

from ally.app import App
from ally.cli import exits
from ally.cli.meter import Meter
from ally.cli.table import room, table
from ally.cli.terminal import say
from ally.errors import UsageError
from ally.messages import JsonObject
from ally.models import store
from ally.models.catalogue import CatalogueEntry, load_catalogue
from ally.models.progress import size_text

COLUMNS = ("NAME", "PARAMETERS", "SIZE", "CONTEXT", "TOOLS", "LICENCE", "HERE")


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


def _pull(args: argparse.Namespace, app: App) -> int:
    from ally.models.pull import PullOptions, pull  # heavy

    before = store.find(app.paths, args.name)
    try:
        model = pull(app.paths, args.name, PullOptions(source=args.source, force=args.force), Meter())
    except KeyboardInterrupt:
        say("Interrupted. The same command goes on from here.")
        raise
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
        print(json.dumps(rows, indent=2))
        return exits.OK
    print("\n".join(table(COLUMNS, [_cells(row) for row in rows], space=room(), spare=("LICENCE",))))
    say("Fetch one: ally models pull NAME")
    say("Any other GGUF file: ally models pull MY-NAME --from hf:OWNER/REPO/FILE.gguf")
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
    return tuple(str(cell) for cell in cells)
