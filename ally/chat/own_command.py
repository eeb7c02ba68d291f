"""`!command`: what the user runs for themselves, and what the model is told of it."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from ally.engine.conversation import Conversation
from ally.errors import UsageError
from ally.tools.user_shell import Said, run_unseen, run_user_command


def run_own(command: str, folder: Path) -> Said:
    """Run `command` with the user's rights on this terminal, and wait for its end.

    Raises:
        UsageError: it is none, would have no effect, or cannot be started.
    """
    return _run(command, lambda: run_user_command(command, folder))


async def run_own_unseen(command: str, folder: Path, is_over: Callable[[], bool]) -> Said:
    """The same where there is no terminal that could be given to it; it ends as soon as `is_over`.

    Raises:
        UsageError: it is none, would have no effect, or cannot be started.
    """
    is_gone = threading.Event()
    try:
        return await asyncio.to_thread(
            _run, command, lambda: run_unseen(command, folder, lambda: is_gone.is_set() or is_over())
        )
    finally:
        is_gone.set()


def _run(command: str, start: Callable[[], Said]) -> Said:
    if not command:
        raise UsageError("There is no command after the !.", hint="!ls runs ls")
    if command.split(maxsplit=1)[0] == "cd" and not any(mark in command for mark in "&;|\n"):
        raise UsageError(
            "Ally stays in its folder.", hint="ally -d FOLDER works in another; !cd FOLDER && ls looks there"
        )
    try:
        return start()
    except OSError as error:
        raise UsageError(f"The command could not be started: {error.strerror}.") from error


def tell_own(talk: Conversation, command: str, ended: Said) -> str:
    """Let the model know with the next message; what the user is told of it."""
    code = f"exit {ended.code}"
    talk.notes.append(f"[The user ran a command: {command}\n{code}\n{ended.text.strip() or '(no output)'}]")
    return f"({code}; the model is told with your next message.)"
