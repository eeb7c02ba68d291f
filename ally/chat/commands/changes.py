"""/undo /redo /diff: what was done to files."""

import asyncio
from collections.abc import Callable

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.undone import shown, told
from ally.checkpoints import Checkpoints, Outcome
from ally.errors import UsageError
from ally.terminal.text import one_line


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
    if not text.strip():
        return "No file was changed."
    chat.front.show_change(text)
    return ""


async def _go(chat: Chat, step: Callable[[], Outcome], word: str, nothing: str) -> str:
    outcome = await asyncio.to_thread(step)
    if not outcome.is_found:
        return nothing
    files = [shown(path) for path in (*outcome.restored, *outcome.merged)]
    if files:
        chat.talk.notes.append(f"[{word} by the user, so these files are different now: {', '.join(files)}]")
    return "\n".join([f"{word}: {one_line(outcome.label)}".rstrip(": "), *told(outcome)])


def _checkpoints(chat: Chat) -> Checkpoints:
    if chat.talk.checkpoints is None:
        raise UsageError("There are no snapshots in this conversation.")
    return chat.talk.checkpoints


COMMANDS = {
    "/undo": Command("/undo", "take back what the last message did to files", undo),
    "/redo": Command("/redo", "bring back what the last /undo took", redo),
    "/diff": Command("/diff [all]", "what the last message did to files, or all of them", diff),
}
