"""`ally kb`: collections of the user's files, and searching them."""

import argparse
import json
import sys

from ally.app import App
from ally.chat.knowing import COLUMNS, listed, quoted, row, short_path
from ally.cli import exits
from ally.cli.terminal import say
from ally.errors import UsageError
from ally.messages import JsonObject
from ally.rag.search.hit import Found, Hit
from ally.terminal.table import room, table
from ally.terminal.text import clean, one_line


def run(args: argparse.Namespace, app: App) -> int:
    """Run `ally kb ACTION`.

    Raises:
        KnowledgeError: there is no such collection, or it cannot be done with it.
        StorageError: it cannot be read or written.
    """
    match args.action:
        case "list":
            _list(args, app)
        case "search":
            _search(args, app)
        case "add" | "sync":
            from ally.cli import kb_reading  # heavy

            return kb_reading.run(args, app)
        case "eval":
            from ally.cli import kb_eval  # heavy

            return kb_eval.run(args, app)
        case "remove":
            return _remove(args.name, app, is_agreed=args.yes)
        case "index" | "unindex":
            app.library.index(args.name, is_indexed=args.action == "index")
            say(f"{args.name} is {'used for answers now' if args.action == 'index' else 'kept out of answers'}.")
        case other:
            raise UsageError(f"unknown action {other}", hint="ally kb -h lists what is accepted")
    return exits.OK


def _list(args: argparse.Namespace, app: App) -> None:
    if args.name is not None:
        _list_files(args, app)
        return
    if args.skipped:
        raise UsageError("--skipped is about one collection.", hint="ally kb list NAME --skipped")
    found = app.library.collections()
    if args.json:
        rows = [{name: getattr(facts, name) for name in facts.__slots__} for facts in found]
        print(json.dumps(rows, indent=2))
    elif found:
        print("\n".join(table(COLUMNS, [row(facts) for facts in found], space=room(), spare=("SIZE", "READ"))))
    elif not app.library.shelf.names():  # of those that cannot be read was told why
        say("There is no collection yet; ally kb add PATH NAME makes one.")


def _list_files(args: argparse.Namespace, app: App) -> None:
    """The files of one collection; of those that were skipped, why."""
    files = app.library.files(args.name)
    if args.json:
        print(json.dumps([{name: getattr(state, name) for name in state.__slots__} for state in files], indent=2))
        return
    for state in files:
        if state.problem or not args.skipped:
            print(clean(short_path(state.path) + (f": skipped: {one_line(state.problem)}" if state.problem else "")))


def _search(args: argparse.Namespace, app: App) -> None:
    from ally.rag.search.query import Query  # heavy

    query = Query(args.text, limit=args.limit)
    found = app.library.search(query, args.collection or ())
    if args.json:
        print(json.dumps(_object(found), indent=2))
        return
    lines = listed(found, explain=args.explain, whole=args.whole)
    notes = set(found.notes)
    if shown := [line for line in lines if line not in notes]:
        print(clean("\n".join(shown)))
    for note in found.notes:
        say(note)
    if not found.hits:
        say("Nothing was found.")


def _remove(name: str, app: App, *, is_agreed: bool) -> int:
    with_name = next((facts for facts in app.library.collections() if facts.name == name), None)
    if with_name is not None and not is_agreed:
        if not sys.stdin.isatty():
            raise UsageError("Deleting needs your word.", hint=f"ally kb remove --yes {quoted(name)}")
        what = f"the collection {name} ({with_name.files:,} files; they stay where they are)"
        print(clean(f"Delete {what}? [y/N] "), end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("Nothing was deleted.")
            return exits.FAILED
    app.library.remove(name)
    say(f"Deleted {name}.")
    return exits.OK


def _object(found: Found) -> JsonObject:
    return {
        "query": found.query,
        "hits": [_hit(hit) for hit in found.hits],
        "dropped": [_hit(hit) for hit in found.dropped],
        "notes": list(found.notes),
    }


def _hit(hit: Hit) -> JsonObject:
    why = hit.why
    return {
        "collection": hit.collection,
        "path": hit.path,
        "line_start": hit.place.line_start,
        "line_end": hit.place.line_end,
        "label": hit.place.label,
        "headings": list(hit.headings),
        "text": hit.text,
        "score": why.fused_score,
        "why": {name: getattr(why, name) for name in why.__slots__},
    }
