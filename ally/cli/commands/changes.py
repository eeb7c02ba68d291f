"""/undo /redo /diff: what was done to files."""

import asyncio
from collections.abc import Callable

from ally.checkpoints import Checkpoints, Outcome
from ally.cli.commands.chat import Chat, Command
from ally.cli.terminal import clean, one_line
from ally.errors import UsageError

SHOWN_FILES = 20


async def undo(chat: Chat, rest: str) -> str:
    """Take back what the last message that changed files did to them."""
    return await _go(chat, _checkpoints(chat).undo, "Undone", "There is nothing to undo.")


async def redo(chat: Chat, rest: str) -> str:
    """Take back the last undo."""
    return await _go(chat, _checkpoints(chat).redo, "Done again", "There is nothing to redo.")


async def diff(chat: Chat, rest: str) -> str:
    """What the last message that changed files did to them, or all of this session."""
    text = await asyncio.to_thread(_checkpoints(chat).diff)
    return clean(text).rstrip("\n") or "No file was changed."


async def _go(chat: Chat, step: Callable[[], Outcome], word: str, nothing: str) -> str:
    outcome = await asyncio.to_thread(step)
    if not (outcome.restored or outcome.merged or outcome.kept):
        return nothing
    files = [str(path) for path in (*outcome.restored, *outcome.merged)]
    if files:
        chat.talk.notes.append(f"[{word} by the user, so these files are different now: {', '.join(files)}]")
    return "\n".join([f"{word}: {one_line(outcome.label)}".rstrip(": "), *_lines(outcome)])


def _lines(outcome: Outcome) -> list[str]:
    lines = [f"  restored  {one_line(str(path))}" for path in outcome.restored]
    lines += [f"  merged    {one_line(str(path))} (with what you changed since)" for path in outcome.merged]
    left = len(lines) - SHOWN_FILES
    if left > 0:
        lines[SHOWN_FILES:] = [f"  … and {left} more"]
    return lines + [f"  kept      {one_line(str(path))}: {one_line(why)}" for path, why in outcome.kept]


def _checkpoints(chat: Chat) -> Checkpoints:
    if chat.talk.checkpoints is None:
        raise UsageError("There are no snapshots in this conversation.")
    return chat.talk.checkpoints


COMMANDS = {
    "/undo": Command("/undo", "take back what the last message did to files", undo),
    "/redo": Command("/redo", "take back the last /undo", redo),
    "/diff": Command("/diff", "what was done to files", diff),
}
