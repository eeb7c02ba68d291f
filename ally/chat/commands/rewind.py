"""/rewind: say an earlier message anew."""

import asyncio
from collections.abc import Callable, Sequence

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.front import Option
from ally.chat.rewinding import Said
from ally.errors import UsageError
from ally.sessions.export import date_text
from ally.terminal.table import cut, table
from ally.terminal.text import one_line

SHOWN = 20
_LABEL_COLUMNS = 60
_FILES_TOO, _FILES_STAY = "files", "stay"


async def rewind(chat: Chat, count: str) -> str:
    """Go back to before a message, the last but `count` - 1 or one that is chosen, and give its text back."""
    said = await asyncio.to_thread(chat.said)
    if not said:
        return "Nothing was said yet."
    if count:
        index = said[-_number(count, len(said))].index
    elif chat.front.can_ask:
        chosen = await chat.front.choose("Go back to before", _options(said), _preview(said))
        if chosen is None:
            return ""
        index = int(chosen)
    else:
        return _listed(said, chat.front.columns)
    files = await _files_too(chat, index)
    if files is None:
        return ""
    chat.front.restore(await chat.rewind(index, files=files))
    return ""


async def _files_too(chat: Chat, index: int) -> bool | None:
    """Whether the files go back as well; None if the user gives up."""
    steps = await asyncio.to_thread(chat.steps_since, index)
    if not steps or not chat.front.can_ask:
        return False
    since = f"{steps} step{'' if steps == 1 else 's'} of /undo"
    options = [
        Option(_FILES_TOO, "the files too", (f"what was changed since is taken back: {since}",)),
        Option(_FILES_STAY, "only the conversation", ("the files stay as they are",)),
    ]
    chosen = await chat.front.choose("Files were changed since then. Go back with", options)
    return None if chosen is None else chosen == _FILES_TOO


def _options(said: Sequence[Said]) -> list[Option]:
    """The newest message first: it is the one most often meant."""
    return [
        Option(
            str(one.index), cut(one_line(one.text), _LABEL_COLUMNS) or "(a picture)", (date_text(one.at, local=True),)
        )
        for one in reversed(said)
    ]


def _preview(said: Sequence[Said]) -> Callable[[str], str]:
    texts = {str(one.index): one.text for one in said}
    return texts.__getitem__


def _listed(said: Sequence[Said], columns: int | None) -> str:
    last = list(enumerate(reversed(said), start=1))[:SHOWN]
    rows = [(str(number), date_text(one.at, local=True), one.text) for number, one in last]
    return "\n".join(
        [*table(("N", "WHEN", "TEXT"), rows, space=columns), "/rewind N goes back to before that message."]
    )


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most):
        raise UsageError(f"{one_line(text)} is no number from 1 to {most}.", hint="1 is your last message")
    return int(text)


COMMANDS = {
    "/rewind": Command(
        "/rewind [N]",
        "go back to before a message and say it anew",
        rewind,
        "N counts from the last message: 1 is the last. What came after is left out; the session keeps it.\n"
        "Files that were changed since can go back too.",
    )
}
