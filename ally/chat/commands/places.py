"""/open: the places in files that answers name."""

import asyncio
from pathlib import Path

from ally.chat.chat import Chat
from ally.chat.citation import Citation, find_citations
from ally.chat.commands.command import Command
from ally.chat.front import Option
from ally.errors import UsageError
from ally.terminal.text import one_line, visible

SHOWN_LINES = 30
_BEFORE = 5
_MAX_BYTES = 10_000_000


async def open_place(chat: Chat, wanted: str) -> str:
    """Open the file that `wanted` names, else one of those that the last answer with any names."""
    root = Path.cwd()
    found = await asyncio.to_thread(_wanted if wanted else _named, chat, wanted, root)
    if not found:
        raise UsageError(
            f"{one_line(wanted)} is no file of this folder." if wanted else "No answer names a file of this folder.",
            hint="/open PATH:LINE opens any",
        )
    place = found[0] if len(found) == 1 else await _chosen(chat, found, root)
    if place is None:
        return "" if chat.front.can_ask else "\n".join(_title(one, root) for one in found)
    await chat.front.look_at(place.path, place.line_start)
    return ""


def _wanted(chat: Chat, wanted: str, root: Path) -> list[Citation]:
    """The place that was typed; a path alone is its first line."""
    return find_citations(wanted, root)[:1] or find_citations(f"{wanted}:1", root)[:1]


def _named(chat: Chat, wanted: str, root: Path) -> list[Citation]:
    """The places of the newest answer that names any, each once."""
    for message in reversed(chat.talk.messages):
        if message.role == "assistant" and (found := find_citations(message.shown_text, root)):
            return list({(one.path, one.line_start): one for one in found}.values())
    return []


async def _chosen(chat: Chat, found: list[Citation], root: Path) -> Citation | None:
    options = [Option(str(number), _title(one, root)) for number, one in enumerate(found)]
    value = await chat.front.choose("Open", options, lambda number: _shown(found[int(number)]))
    return None if value is None else found[int(value)]


def _title(place: Citation, root: Path) -> str:
    name = one_line(visible(str(place.path.relative_to(root.resolve()))))
    last = f"-{place.line_end}" if place.line_end > place.line_start else ""
    return f"{name}:{place.line_start}{last}"


def _shown(place: Citation) -> str:
    return preview(place.path, place.line_start)


def preview(path: Path, line: int) -> str:
    """The lines around one of a file, numbered; 0 is a place without a line."""
    if not line:
        return "(it has no lines)"
    try:
        if path.stat().st_size > _MAX_BYTES:
            return "(a large file)"
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        return f"({error.strerror})"
    first = max(1, line - _BEFORE)
    shown = lines[first - 1 : first - 1 + SHOWN_LINES]
    return "\n".join(f"{number:>5}  {line}" for number, line in enumerate(shown, first))


COMMANDS = {
    "/open": Command("/open [PATH:LINE]", "open a place that an answer names in your editor", open_place),
}
