"""All slash commands, and telling them from messages."""

import difflib
import os

from ally.chat.chat import Chat
from ally.chat.commands import (
    answering,
    basics,
    changes,
    earlier,
    grounding,
    knowledge,
    look,
    models,
    permissions,
    places,
    rewind,
    sessions,
    spending,
    texts,
    window,
)
from ally.chat.commands.command import Command, unquoted
from ally.chat.listing import explained
from ally.errors import UsageError
from ally.terminal.text import one_line

ALIASES = {
    "/?": "/help",
    "/agents": "/agent",
    "/exit": "/quit",
    "/h": "/help",
    "/models": "/model",
    "/new": "/clear",
    "/providers": "/provider",
    "/q": "/quit",
    "/references": "/refs",
}
_HINTS = """\
@path adds a file or a picture to the message.
!command runs a command with your rights, not in the sandbox.
What you type while Ally works is said as soon as the model is asked again.
/help COMMAND tells more of one, /keys what the keys do."""
_WIDE = 90
"""From so many columns on, /help shows what stands after a command."""


async def _help(chat: Chat, about: str) -> str:
    if about:
        return _told(_find(about if about.startswith("/") else f"/{about}")[1])
    lines: list[str] = []
    space = chat.front.columns
    is_wide = space is None or space >= _WIDE
    commands = [pair for group in GROUPS.values() for pair in group.items()]
    rows = [(f"  {command.usage if is_wide else name}", command.help) for name, command in commands]
    body = explained(rows, space)
    for name, group in GROUPS.items():
        lines += [name, *body[: len(group)]]
        body = body[len(group) :]
    return "\n".join([*lines, "", _HINTS])


def _told(command: Command) -> str:
    name = command.usage.split(maxsplit=1)[0]
    others = [alias for alias, meant in ALIASES.items() if meant == name]
    also = [f"also: {' '.join(others)}"] if others else []
    return "\n".join(filter(None, (f"{command.usage}  {command.help}", command.more, *also)))


GROUPS: dict[str, dict[str, Command]] = {
    "Who answers": {**models.COMMANDS, **answering.COMMANDS},
    "This conversation": {**sessions.COMMANDS, **rewind.COMMANDS, **window.COMMANDS},
    "What is said": {**texts.COMMANDS, **earlier.COMMANDS},
    "Files": {**changes.COMMANDS, **places.COMMANDS},
    "Your files": {**knowledge.COMMANDS, **grounding.COMMANDS},
    "What may happen": {**permissions.COMMANDS, **spending.COMMANDS},
    "Ally": {
        "/help": Command(
            "/help [COMMAND]", "this list, or more of one command", _help, values=lambda chat: list(COMMANDS)
        ),
        **look.COMMANDS,
        **basics.COMMANDS,
    },
}

COMMANDS: dict[str, Command] = {name: command for group in GROUPS.values() for name, command in group.items()}


_LOOKING = {"/context", "/copy", "/diff", "/export", "/help", "/id", "/list", "/permissions", "/show", "/status"}
BESIDE = _LOOKING | {*look.COMMANDS, *spending.COMMANDS}
"""Commands that a running turn does not mind."""


def runs_beside(text: str) -> bool:
    """Whether the command that `text` names may run while the model works."""
    word = text.split(maxsplit=1)[0].lower()
    return ALIASES.get(word, word) in BESIDE


def usages() -> list[tuple[str, str]]:
    """What is typed and what it does, for each command."""
    return [(command.usage, command.help) for command in COMMANDS.values()]


def is_command(text: str) -> bool:
    """Whether `text` is meant as a command: `/word …`; a path such as `/etc/hosts` or `/tmp` is a message."""
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    if not word.startswith("/") or len(word) < 2 or "/" in word[1:]:
        return False
    name = word.lower()
    return name in COMMANDS or name in ALIASES or not os.path.lexists(word)


async def run_command(chat: Chat, text: str) -> str:
    """What the command that `text` names has to say.

    Raises:
        UsageError: there is no such command.
        AllyError: it could not do what it should; nothing has changed then.
    """
    word, *rest = text.strip().split(maxsplit=1)
    return await _find(word)[1].run(chat, unquoted("".join(rest)))


def _find(word: str) -> tuple[str, Command]:
    """The command that `word` names, and its name.

    Raises:
        UsageError: there is none; the hint names the nearest.
    """
    name = ALIASES.get(word.lower(), word.lower())
    if name in COMMANDS:
        return name, COMMANDS[name]
    begun = [known for known in COMMANDS if known.startswith(name)]
    near = begun[:1] if len(begun) == 1 else difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near else "/help lists the commands"
    raise UsageError(f"Unknown command: {one_line(word)}.", hint=hint)
