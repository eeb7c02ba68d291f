"""`ally sessions`: what was said before, and what to do with it."""

import argparse
import json
import sys
from pathlib import Path

from ally.app import App
from ally.cli import exits
from ally.cli.terminal import say
from ally.errors import StorageError, UsageError
from ally.messages import JsonObject
from ally.sessions import export
from ally.sessions.masking import masker
from ally.sessions.session import Session
from ally.sessions.store import Sessions, Summary
from ally.sessions.transcript import Called, Fact, Item, Picture, Said, Thought, transcript
from ally.storage.atomic import write_atomic
from ally.terminal.table import room, table
from ally.terminal.text import clean, one_line

COLUMNS = ("ID", "WHEN", "AGENT", "TITLE")
MAX_SHOWN_CHARACTERS = 2000
"""Of each result of a tool; `export` has all of it."""


def run(args: argparse.Namespace, app: App) -> int:
    """Run `ally sessions ACTION`.

    Raises:
        UsageError: there is no such session.
        StorageError: the database cannot be read or written.
    """
    match args.action:
        case "list":
            _list(app.sessions, everywhere=args.all, as_json=args.json)
        case "search":
            _search(args, app.sessions)
        case "show":
            _show(app, args.id, as_json=args.json)
        case "export":
            _export(app, args)
        case "fork":
            session = app.sessions.fork(args.id)
            print(json.dumps(_object(session), indent=2) if args.json else session.id)
        case "delete":
            return _delete(app.sessions, args.id, is_agreed=args.yes)
        case other:
            raise UsageError(f"unknown action {other}", hint="ally sessions -h lists what is accepted")
    return exits.OK


def _list(sessions: Sessions, *, everywhere: bool, as_json: bool) -> None:
    found = sessions.list(None if everywhere else Path.cwd())
    if as_json:
        print(json.dumps([_row(summary) for summary in found], indent=2))
        return
    if not found:
        say("There is no session yet." if everywhere else "There is no session of this folder; --all shows the others.")
        return
    header = (*COLUMNS, "FOLDER") if everywhere else COLUMNS
    rows = [_cells(summary)[: len(header)] for summary in found]
    print("\n".join(table(header, rows, space=room(), spare=("AGENT",))))


def _search(args: argparse.Namespace, sessions: Sessions) -> None:
    found = sessions.search(args.text, None if args.all else Path.cwd())
    if args.json:
        rows = [
            {"id": hit.session, "title": hit.title, "folder": hit.folder, "role": hit.role}
            | {"at": hit.at, "excerpt": hit.excerpt}
            for hit in found
        ]
        print(json.dumps(rows, indent=2))
    elif found:
        rows = [(hit.session, export.date_text(hit.at, local=True), hit.role, hit.excerpt) for hit in found]
        print("\n".join(table(("ID", "WHEN", "WHO", "TEXT"), rows, space=room())))
    else:
        say("Nothing was found." if args.all else "Nothing was found in this folder; --all searches everywhere.")


def _show(app: App, wanted: str, *, as_json: bool) -> None:
    session = app.sessions.resume(wanted)
    entries = session.entries()
    if as_json:
        print(export.to_json(session, entries, lambda text: text), end="")
        return
    print(f"Session {session.id} · {one_line(session.agent)} · {one_line(str(session.folder))}")
    for item in transcript(entries, clean):
        if text := _plain(item):
            print(f"\n{text}")


def _export(app: App, args: argparse.Namespace) -> None:
    session = app.sessions.resume(args.id)
    mask = masker(app.keys.values())
    entries = session.entries()
    match args.format:
        case "json":
            text = export.to_json(session, entries, mask)
        case "html":
            text = export.to_html(session, entries, lambda part: clean(mask(part)))
        case _:
            text = export.to_markdown(session, entries, lambda part: clean(mask(part)))
    if args.output in (None, "-"):
        print(text, end="")
        return
    target = Path(args.output).expanduser()
    if not target.parent.is_dir():
        raise StorageError(target, f"{target} cannot be written: its folder does not exist.", hint="create it first")
    write_atomic(target, text.encode("utf-8", "replace"))
    say(f"Written: {target}")


def _delete(sessions: Sessions, wanted: str, *, is_agreed: bool) -> int:
    session = sessions.resume(wanted)
    if not is_agreed:
        if not sys.stdin.isatty():
            raise UsageError("Deleting needs your word.", hint=f"ally sessions delete --yes {session.id}")
        print(f"Delete session {session.id}, {clean(session.title)!r}? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("Nothing was deleted.")
            return exits.FAILED
    say(f"Deleted session {sessions.delete(session.id)}.")
    return exits.OK


def _plain(item: Item) -> str:
    match item:
        case Said(role, text):
            mark = "> " if role == "user" else ""
            return "\n".join(mark + line for line in text.strip().splitlines())
        case Called(_, name, arguments, result, is_error):
            state = "no result" if result is None else "failed" if is_error else "done"
            told = (result or "").strip()
            shown = told[:MAX_SHOWN_CHARACTERS] + (" …" if len(told) > MAX_SHOWN_CHARACTERS else "")
            return "\n".join(filter(None, [f"[{name} {' '.join(arguments.split())}: {state}]", shown]))
        case Picture(image):
            return f"[picture, {one_line(image.media_type)}, {len(image.data):,} bytes]"
        case Fact(text):
            return f"[{text}]"
        case Thought():
            return ""


def _cells(summary: Summary) -> tuple[str, ...]:
    return (summary.id, export.date_text(summary.last_at, local=True), summary.agent, summary.title, summary.folder)


def _row(summary: Summary) -> JsonObject:
    return {
        "id": summary.id,
        "folder": summary.folder,
        "agent": summary.agent,
        "title": summary.title,
        "started_at": summary.at,
        "last_at": summary.last_at,
    }


def _object(session: Session) -> JsonObject:
    return {"id": session.id, "folder": str(session.folder), "agent": session.agent, "title": session.title}
