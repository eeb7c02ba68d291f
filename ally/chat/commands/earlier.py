"""/history: what the user wrote before, also in other sessions."""

import asyncio

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.front import Option
from ally.chat.fuzzy import folded, words_of
from ally.chat.history import FILE, History
from ally.terminal.table import cut
from ally.terminal.text import one_line

SHOWN = 100
_LABEL_COLUMNS = 70
_NAME = "/history"


async def history(chat: Chat, words: str) -> str:
    """Give an earlier message back to be changed and sent; list them where nobody can choose."""
    entries = await asyncio.to_thread(History(chat.app.paths.state / FILE).entries)
    wanted = words_of(words)
    entries = [text for text in reversed(entries) if not text.startswith(_NAME)]
    fitting = [text for text in entries if all(word in folded(text) for word in wanted)]
    found = list(dict.fromkeys(fitting))[:SHOWN]
    if not found:
        return "No earlier message has that in it." if wanted else "Nothing was written yet."
    if not chat.front.can_ask:
        return "\n".join(one_line(text) for text in found)
    options = [Option(str(number), cut(one_line(text), _LABEL_COLUMNS)) for number, text in enumerate(found)]
    chosen = await chat.front.choose("Earlier messages, the newest first", options, lambda value: found[int(value)])
    if chosen is not None:
        chat.front.restore(found[int(chosen)])
    return ""


COMMANDS = {_NAME: Command(f"{_NAME} [WORDS]", "take an earlier message up again, of any session", history)}
