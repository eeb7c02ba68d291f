"""/sessions /resume /fork /id /export /clear: which conversation this is."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.errors import StorageError, UsageError
from ally.messages import AssistantMessage, Message
from ally.sessions import export as documents
from ally.sessions.masking import masker
from ally.storage.atomic import write_atomic
from ally.terminal.table import table
from ally.terminal.text import clean, one_line

SHOWN = 20
_COMPLETED = 100
SHOWN_CHARACTERS = 300
_FORMATS = {".md": "md", ".json": "json", ".html": "html", ".htm": "html"}


async def sessions(chat: Chat, words: str) -> str:
    """Go on with one of the sessions, or of those that hold certain words; show them where nobody can choose."""
    if chat.front.can_ask:
        return await _choose(chat, words)
    if words:
        hits = await asyncio.to_thread(chat.app.sessions.search, words, Path.cwd(), limit=SHOWN)
        rows = [(hit.session, documents.date_text(hit.at, local=True), hit.role, hit.excerpt) for hit in hits]
        return (
            "\n".join(table(("ID", "WHEN", "WHO", "TEXT"), rows, space=chat.front.columns))
            if rows
            else "Nothing was found."
        )
    found = chat.app.sessions.list(Path.cwd())
    if not found:
        return "There is no session of this folder yet."
    rows = [
        (
            ("* " if one.id == chat.session.id else "  ") + one.id,
            documents.date_text(one.last_at, local=True),
            one.agent,
            one.title,
        )
        for one in found[:SHOWN]
    ]
    lines = table(("  ID", "WHEN", "AGENT", "TITLE"), rows, space=chat.front.columns, spare=("AGENT",))
    return "\n".join([*lines, "/resume ID goes on with one; how an id begins is enough."])


async def resume(chat: Chat, wanted: str) -> str:
    """Go on with another session; without an id, choose one."""
    if not wanted:
        return await sessions(chat, "")
    if wanted == chat.session.id:
        return "That is this session."
    await chat.change_session(chat.app.sessions.resume(wanted))
    return told(chat)


async def _choose(chat: Chat, words: str) -> str:
    from ally.chat import session_offers as offers  # late: only choosing needs it

    find = offers.holding if words else offers.latest
    options = await asyncio.to_thread(find, chat.app, chat.session.id, words)
    if not options:
        return "Nothing was found." if words else "There is no session yet."
    title = f"Sessions that hold {one_line(words)}" if words else "Sessions"
    chosen = await chat.front.choose(title, options, lambda value: offers.preview(chat.app, value))
    return "" if chosen is None else await resume(chat, chosen)


async def fork(chat: Chat, rest: str) -> str:
    """Go on in a copy of this session; this one stays as it is."""
    if not chat.talk.messages:
        return "There is nothing to copy yet."
    before = chat.session.id
    await chat.change_session(chat.app.sessions.fork(before))
    return f"This is a copy now: {chat.session.id}. /resume {before} goes back."


async def show_id(chat: Chat, rest: str) -> str:
    """The id of this session."""
    return f"{chat.session.id}\nally -i {chat.session.id} goes on with it."


async def clear(chat: Chat, rest: str) -> str:
    """Begin a new session; the one before is kept."""
    before, had_any = chat.session.id, bool(chat.talk.messages)
    await chat.change_session(chat.app.sessions.start(Path.cwd(), chat.agent))
    return "Forgotten: the next message starts anew." + (f" (/resume {before} brings it back.)" if had_any else "")


async def export(chat: Chat, name: str) -> str:
    """Write this session to a file: Markdown, or what the end of the name says."""
    if not chat.talk.messages:
        return "There is nothing to write yet."
    target = Path(name or f"ally-{chat.session.id}.md")
    await asyncio.to_thread(_write, chat, target)
    return f"Written: {clean(str(target))}"


def _write(chat: Chat, target: Path) -> None:
    target = target.expanduser()
    kind = _FORMATS.get(target.suffix.lower())
    if kind is None:
        raise UsageError(f"{target.name} ends in no format that is known.", hint="use .md, .json or .html")
    if not target.parent.is_dir():
        raise StorageError(target, f"{target} cannot be written: its folder does not exist.", hint="create it first")
    if target.exists():
        raise UsageError(f"{target} exists already.", hint="choose another name")
    mask, entries = masker(chat.app.keys.values()), chat.session.entries()
    match kind:
        case "json":
            text = documents.to_json(chat.session, entries, mask)
        case "html":
            text = documents.to_html(chat.session, entries, lambda part: clean(mask(part)))
        case _:
            text = documents.to_markdown(chat.session, entries, lambda part: clean(mask(part)))
    write_atomic(target, text.encode("utf-8", "replace"))


def told(chat: Chat) -> str:
    """Which session goes on, with its last exchange where that is not on the screen."""
    lines = [f"Session {chat.session.id}: {one_line(chat.session.title) or '(nothing said yet)'}"]
    if not chat.front.themes:  # nothing is drawn, so what was said before is not seen
        lines += last_exchange(chat.talk.messages)
    if chat.session.folder != Path.cwd().resolve():
        lines.append(f"(It began in {clean(str(chat.session.folder))}; Ally works in {clean(str(Path.cwd()))} now.)")
    return "\n".join(lines)


def last_exchange(messages: Sequence[Message], count: int = 2, size: int = SHOWN_CHARACTERS) -> list[str]:
    """The last messages that say something, each on a line of at most about `size` characters."""
    said = [message for message in messages if message.role != "tool" and message.text.strip()]
    lines: list[str] = []
    for message in said[-count:]:
        who = "you" if message.role == "user" else "Ally"
        text = one_line(message.shown_text if isinstance(message, AssistantMessage) else message.text)
        lines.append(f"  {who}: {text if len(text) <= size else text[:size] + ' …'}")
    return lines


def _ids(chat: Chat) -> list[str]:
    return [one.id for one in chat.app.sessions.list(Path.cwd())[:_COMPLETED]]


COMMANDS = {
    "/clear": Command("/clear", "forget what was said: a new session", clear),
    "/sessions": Command("/sessions [WORDS]", "go on with another session, found by its words", sessions),
    "/resume": Command("/resume [ID]", "go on with another session", resume, "How an id begins is enough.", _ids),
    "/fork": Command("/fork", "go on in a copy of this session", fork),
    "/id": Command("/id", "the id of this session", show_id),
    "/export": Command("/export [FILE]", "write this session to a file (.md, .json, .html)", export),
}
