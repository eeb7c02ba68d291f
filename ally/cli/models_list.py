"""`ally models list`: what there is to answer, where, and how much it can hold."""

import json
import sys

from ally.app import App
from ally.chat.model_cells import note, source_text, tools_text, window_text
from ally.chat.model_rows import KINDS, Group, Row, as_json, groups, parameters
from ally.chat.standing import PLACES
from ally.cli import exits
from ally.cli.terminal import say
from ally.egress.location import classify
from ally.models.progress import size_text
from ally.terminal.table import cut, room, table, width
from ally.terminal.text import one_line

COLUMNS = ("NAME", "WEIGHTS", "QUANT", "SIZE", "WINDOW", "SOURCE", "TOOLS", "NOTE")
SPARE = ("QUANT", "WEIGHTS", "SOURCE", "SIZE")
_NARROW = 100
_LONGEST_NAME, _LONGEST_NAME_NARROW = 44, 20
"""On a terminal longer names have a line of their own."""

_WIDE, _LONGEST_NOTE = 140, 16


def run(app: App, *, as_rows: bool) -> int:
    """Print all models, as JSON or as one table with a heading for each place."""
    found = groups(app)
    if as_rows:
        print(json.dumps([as_json(row) for group in found for row in group.rows], indent=2))
        return exits.OK
    print("\n".join(_lines(found)))
    say("Fetch one: ally models pull NAME (for Ollama: ally models pull ollama:NAME)")
    say("Any other GGUF file: ally models pull MY-NAME --from hf:OWNER/REPO/FILE.gguf")
    return exits.OK


def heading(group: Group) -> str:
    """Where the models of the group are and how they are used."""
    server = group.server
    if group.kind is None:
        return "can be fetched: ally models pull NAME"
    if server is None:
        return "embedded engine · this machine · --provider local"
    name = " ".join((KINDS[server.kind], server.version)).strip()
    use = f" · --provider {server.provider}" if server.provider else ""
    return f"{name} at {server.url.removeprefix('http://')} · {PLACES[classify(server.url)]}{use}"


def _lines(found: list[Group]) -> list[str]:
    """One table, so that the columns of all places stand below each other."""
    space = room()
    longest = sys.maxsize if space is None else _LONGEST_NAME if space >= _NARROW else _LONGEST_NAME_NARROW
    longest_note = _LONGEST_NOTE if space is not None and space < _WIDE else sys.maxsize
    shown = [group for group in found if group.rows or group.kind == "server"]
    rows = [_cells(row, longest, longest_note) for group in shown for row in group.rows]
    head, *body = table(COLUMNS, rows, space=space, spare=SPARE)
    lines = [head]
    for group in shown:
        lines.append(one_line(heading(group)))
        for row in group.rows:
            lines += [f"  {one_line(row.name)}"] if width(row.name) > longest else []
            lines.append(body.pop(0))
        lines += [] if group.rows else ["  no models"]
    return lines


def _cells(row: Row, longest_name: int, longest_note: int) -> tuple[str, ...]:
    facts = row.facts
    return (
        "" if width(row.name) > longest_name else f"  {row.name}",
        parameters(row) or "?",
        facts.quantisation or "?",
        size_text(facts.size_bytes) if facts.size_bytes else "?",
        window_text(row),
        source_text(row),
        tools_text(row),
        cut(note(row), longest_note),
    )
