"""/embed and its like: collections of the user's files, from inside the chat."""

import asyncio
import shlex
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.front import Option
from ally.chat.knowing import COLUMNS, how_far, outcome, quoted, row
from ally.chat.reading import Reading
from ally.errors import AllyError, EmbedderChanged, UsageError
from ally.rag.library import check_name
from ally.rag.progress import Report, Watcher
from ally.terminal.table import table

TELL_EVERY_S = 10.0
_LOOK_EVERY_S = 0.1
_BLANKS = 'with "quotation marks" around what holds blanks'


async def _embed(chat: Chat, typed: str) -> str:
    """Read a file or folder; a name alone brings that collection up to date."""
    if typed in await asyncio.to_thread(_names, chat):
        return await _read(chat, typed, partial(chat.app.library.sync, typed))
    words = _words(typed)
    if len(words) != 2 or not words[0]:
        raise UsageError("Which folder, and what is it called?", hint=f"/embed PATH NAME, {_BLANKS}")
    path, name = words
    check_name(name)
    return await _read(chat, name, partial(chat.app.library.add, Path(path), name))


async def _read(chat: Chat, name: str, work: Callable[[Watcher], Report]) -> str:
    """Wait until the text is in; vectors are made in the background."""
    if (running := chat.readings.get(name)) is not None and not running.is_over:
        if running.progress is None:
            return f"{name} is being read."
        return f"{name}: {how_far(running.progress)}"
    embedder = await asyncio.to_thread(lambda: chat.app.library.embedder)
    if embedder.location != "local":
        chat.front.say(f"The texts are sent to {embedder.provider} ({embedder.location}) for their vectors.")
    chat.front.say(f"Reading {name}. Esc or Ctrl-C stops it; the same command goes on from there.")
    reading = chat.readings[name] = Reading(work)
    try:
        await _watched(chat, name, reading)
    except asyncio.CancelledError:
        reading.stop()
        chat.front.say(f"What was read of {name} is kept; /embed {quoted(name)} goes on from there.")
        raise
    _offer(chat)
    if not reading.is_over:
        reading.when_over(lambda: chat.front.say(_told(chat, reading)))
        return f"The text of {name} can be searched now. Vectors are being made: /list says how far."
    return await _ended(chat, name, reading)


async def _watched(chat: Chat, name: str, reading: Reading) -> None:
    """Tell how far it is until the text is in: at once where that takes no room, else every now and then."""
    told_at = time.monotonic()
    try:
        while not await reading.has_text(_LOOK_EVERY_S):
            if (progress := reading.progress) is None or chat.front.show_work(f"{name}: {how_far(progress)}"):
                continue
            if time.monotonic() - told_at > TELL_EVERY_S:
                told_at = time.monotonic()
                chat.front.say(how_far(progress))
    finally:
        chat.front.show_work("")


async def _ended(chat: Chat, name: str, reading: Reading) -> str:
    try:
        reading.result()
    except EmbedderChanged as error:
        options = [Option("rebuild", "read and embed everything anew"), Option("no", "leave it as it is")]
        if await chat.front.choose(f"{error.message} Rebuild it?", options) != "rebuild":
            raise
        return await _read(chat, name, lambda watcher: chat.app.library.sync(name, watcher, rebuild=True))
    return _told(chat, reading)


def _told(chat: Chat, reading: Reading) -> str:
    try:
        report = reading.result()
    except AllyError as error:
        return f"{error.message} {error.hint}".strip()
    facts = next((one for one in chat.app.library.collections() if one.name == report.name), None)
    return "\n".join(outcome(report, facts))


async def _list(chat: Chat, _: str) -> str:
    found = await asyncio.to_thread(chat.app.library.collections)
    if not found:
        return "There is no collection yet; /embed PATH NAME makes one."
    lines = table(COLUMNS, [row(facts) for facts in found], space=chat.front.columns, spare=("SIZE", "READ"))
    running = [
        f"{name}: {how_far(reading.progress)}"
        for name, reading in chat.readings.items()
        if not reading.is_over and reading.progress is not None
    ]
    return "\n".join([*lines, *running])


async def _index(chat: Chat, typed: str, *, is_indexed: bool) -> str:
    name = await _named(chat, typed, "/index NAME" if is_indexed else "/unindex NAME")
    await asyncio.to_thread(chat.app.library.index, name, is_indexed=is_indexed)
    _offer(chat)
    return f"{name} is {'used for answers now' if is_indexed else 'kept out of answers'}."


async def _delete(chat: Chat, typed: str) -> str:
    name = await _named(chat, typed, "/delete NAME")
    options = [Option("yes", f"delete {name}"), Option("no", "keep it", is_current=True)]
    if await chat.front.choose(f"Delete the collection {name}? Its files stay where they are.", options) != "yes":
        return "Nothing was deleted."
    _stop(chat, name)
    await asyncio.to_thread(chat.app.library.remove, name)
    _offer(chat)
    return f"Deleted {name}."


async def _purge(chat: Chat, _: str) -> str:
    names = await asyncio.to_thread(_names, chat)
    if not names:
        return "There is no collection."
    options = [
        Option("yes", f"delete all {len(names)}: {', '.join(names)}"),
        Option("no", "keep them", is_current=True),
    ]
    if await chat.front.choose("Delete all collections? Their files stay where they are.", options) != "yes":
        return "Nothing was deleted."
    for name in names:
        _stop(chat, name)
    deleted = await asyncio.to_thread(chat.app.library.purge)
    _offer(chat)
    return f"Deleted {', '.join(deleted)}."


def _offer(chat: Chat) -> None:
    """Let the model search as long as there is something to search in; a change is a new prompt for it, once."""
    if chat.talk.renew_tools() and chat.talk.messages:
        chat.front.say("The model's tools have changed: it reads the conversation anew, once.")


def _stop(chat: Chat, name: str) -> None:
    if (reading := chat.readings.pop(name, None)) is not None:
        reading.stop()
        reading.join()


async def _named(chat: Chat, typed: str, usage: str) -> str:
    """The name of a collection that was typed; quotation marks are not needed."""
    names = await asyncio.to_thread(_names, chat)
    if typed in names or len(words := _words(typed)) != 1:
        words = [typed]
    if not words[0]:
        there = f"there are: {', '.join(map(quoted, names))}" if names else "there is none yet"
        raise UsageError("Which collection?", hint=f"{usage}; {there}")
    return words[0]


def _words(typed: str) -> list[str]:
    """What was typed as a shell would split it; a backslash is a character, as in paths of Windows."""
    lexer = shlex.shlex(typed, posix=True, punctuation_chars="")
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        raise UsageError("A quotation mark is not closed.", hint=f"/embed PATH NAME, {_BLANKS}") from None


def _names(chat: Chat) -> list[str]:
    return chat.app.library.shelf.names()


def _indexed(chat: Chat) -> list[str]:
    return chat.app.library.indexed()


def _unindexed(chat: Chat) -> list[str]:
    return [facts.name for facts in chat.app.library.collections() if not facts.is_indexed]


COMMANDS = {
    "/embed": Command(
        "/embed PATH NAME",
        "read a file or folder into a collection",
        _embed,
        more="With the name of a collection alone, what changed in its files is read.",
        values=_names,
        has_path=True,
    ),
    "/list": Command("/list", "the collections", _list),
    "/index": Command(
        "/index NAME", "let answers use a collection", partial(_index, is_indexed=True), values=_unindexed
    ),
    "/unindex": Command(
        "/unindex NAME", "keep a collection out of answers", partial(_index, is_indexed=False), values=_indexed
    ),
    "/delete": Command("/delete NAME", "delete a collection; its files stay", _delete, values=_names),
    "/purge": Command("/purge", "delete all collections; their files stay", _purge),
}
