"""/undo /redo /diff: what was done to files."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.checkpoints import Checkpoints, Outcome
from ally.errors import UsageError
from ally.terminal.text import clean, one_line, visible

SHOWN_FILES = 20


async def undo(chat: Chat, rest: str) -> str:
    """Take back what the last message that changed files did to them."""
    return await _go(chat, _checkpoints(chat).undo, "Undone", "There is nothing to undo.")


async def redo(chat: Chat, rest: str) -> str:
    """Take back the last undo."""
    return await _go(chat, _checkpoints(chat).redo, "Redone", "There is nothing to redo: only an /undo is taken back.")


async def diff(chat: Chat, rest: str) -> str:
    """What the last message that changed files did to them, or all of this session."""
    checkpoints = _checkpoints(chat)
    text = await asyncio.to_thread(checkpoints.diff, None if rest == "all" else 1)
    return clean(text).rstrip("\n") or "No file was changed."


async def _go(chat: Chat, step: Callable[[], Outcome], word: str, nothing: str) -> str:
    outcome = await asyncio.to_thread(step)
    if not outcome.is_found:
        return nothing
    files = [_short(path) for path in (*outcome.restored, *outcome.merged)]
    if files:
        chat.talk.notes.append(f"[{word} by the user, so these files are different now: {', '.join(files)}]")
    return "\n".join([f"{word}: {one_line(outcome.label)}".rstrip(": "), *_lines(outcome)])


def _short(path: Path) -> str:
    """`path` from the working folder on, where it is inside."""
    here = Path.cwd()
    return one_line(visible(str(path.relative_to(here) if path.is_relative_to(here) else path)))


def _lines(outcome: Outcome) -> list[str]:
    lines = [f"  restored  {_short(path)}" for path in outcome.restored]
    lines += [f"  merged    {_short(path)} (with what you changed since)" for path in outcome.merged]
    left = len(lines) - SHOWN_FILES
    if left > 0:
        lines[SHOWN_FILES:] = [f"  … and {left} more"]
    lines += [f"  {one_line(notice)}" for notice in outcome.notices]
    return lines + [f"  kept      {_short(path)}: {one_line(why)}" for path, why in outcome.kept]


def _checkpoints(chat: Chat) -> Checkpoints:
    if chat.talk.checkpoints is None:
        raise UsageError("There are no snapshots in this conversation.")
    return chat.talk.checkpoints


COMMANDS = {
    "/undo": Command("/undo", "take back what the last message did to files", undo),
    "/redo": Command("/redo", "bring back what the last /undo took", redo),
    "/diff": Command("/diff [all]", "what the last message did to files, or all of them", diff),
}
