"""All slash commands, and telling them from messages."""

import difflib
import os

from ally.chat.chat import Chat
from ally.chat.commands import basics, changes, models, permissions, sessions, window
from ally.chat.commands.command import Command
from ally.errors import UsageError

_ALIASES = {"/h": "/help", "/exit": "/quit", "/q": "/quit"}
_HINTS = """\
A backslash at the end of a line continues the message on the next line; a pasted block is one message.
@path adds a file to the message. !command runs a command with your rights, not in the sandbox.
What you type while Ally works is said as soon as the model is asked again.
Ctrl-C stops an answer; again while it is stopping, it leaves. Ctrl-D leaves."""


async def _help(chat: Chat, rest: str) -> str:
    width = max(len(name) for name in COMMANDS)
    lines: list[str] = []
    for name, command in COMMANDS.items():
        values = command.usage.removeprefix(name).strip()
        lines.append(f"{name:<{width}}  {command.help}{f'  {values}' if values else ''}")
    return "\n".join([*lines, _HINTS])


COMMANDS: dict[str, Command] = {
    "/help": Command("/help", "this list", _help),
    **models.COMMANDS,
    **changes.COMMANDS,
    **permissions.COMMANDS,
    **window.COMMANDS,
    **sessions.COMMANDS,
    **basics.COMMANDS,
}


def is_command(text: str) -> bool:
    """Whether `text` is meant as a command: `/word …`; a path such as `/etc/hosts` or `/tmp` is a message."""
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    if not word.startswith("/") or len(word) < 2 or "/" in word[1:]:
        return False
    name = word.lower()
    return name in COMMANDS or name in _ALIASES or not os.path.lexists(word)


async def run_command(chat: Chat, text: str) -> str:
    """What the command that `text` names has to say.

    Raises:
        UsageError: there is no such command.
        AllyError: it could not do what it should; nothing has changed then.
    """
    word, _, rest = text.strip().partition(" ")
    name = _ALIASES.get(word.lower(), word.lower())
    command = COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else "/help lists the commands"
        raise UsageError(f"Unknown command: {word}.", hint=hint)
    return await command.run(chat, rest.strip())
