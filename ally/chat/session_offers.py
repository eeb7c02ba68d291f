"""The sessions that can be chosen in a chat: those of this folder first."""

import os
from collections.abc import Iterable
from pathlib import Path

from ally.app import App
from ally.chat.front import Option
from ally.messages import AssistantMessage, Message, UserMessage
from ally.sessions.export import date_text
from ally.sessions.search import Hit
from ally.sessions.session import folder_key
from ally.sessions.store import Summary

_MOST_HITS = 200
_PREVIEWED, _PREVIEWED_CHARACTERS = 6, 600


def latest(app: App, current: str, words: str = "") -> list[Option]:
    """All sessions, the last used first."""
    here = folder_key(Path.cwd())
    found = sorted(app.sessions.list(), key=lambda one: one.folder != here)  # it is stable: newest first
    return [_option(one, here, current) for one in found]


def holding(app: App, current: str, words: str) -> list[Option]:
    """The sessions in which all of `words` are in one message, with that message."""
    here = folder_key(Path.cwd())
    hits = (*app.sessions.search(words, Path.cwd(), limit=_MOST_HITS), *app.sessions.search(words, limit=_MOST_HITS))
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(hit.session, hit)
    return [_found(hit, here, current) for hit in first.values()]


def preview(app: App, session: str) -> str:
    """The last exchanges of a session."""
    found = app.sessions.resume(session)
    said = [text for message in found.load() if (text := _text(message))]
    left = len(said) - _PREVIEWED
    head = [f"{found.id} · {found.agent} · {len(said)} messages", str(found.folder), ""]
    return "\n".join([*head, *(["…", ""] if left > 0 else []), *_spaced(said[-_PREVIEWED:])])


def _option(one: Summary, here: str, current: str) -> Option:
    cells = (date_text(one.last_at, local=True), one.agent, one.id)
    title = one.title or "(nothing said yet)"
    return Option(one.id, title, cells, _group(one.folder, here), is_current=one.id == current)


def _found(hit: Hit, here: str, current: str) -> Option:
    cells = (date_text(hit.at, local=True), hit.title, hit.session)
    return Option(hit.session, hit.excerpt, cells, _group(hit.folder, here), is_current=hit.session == current)


def _group(folder: str, here: str) -> str:
    home = os.path.realpath(Path.home())
    shown = "~" + folder[len(home) :] if folder == home or folder.startswith(home + os.sep) else folder
    return f"this folder: {shown}" if folder == here else shown


def _text(message: Message) -> str:
    match message:
        case UserMessage() if message.text.strip():
            return f"> {message.text.strip()[:_PREVIEWED_CHARACTERS]}"
        case AssistantMessage() if message.text.strip():
            return message.shown_text.strip()[:_PREVIEWED_CHARACTERS]
        case _:
            return ""


def _spaced(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in (text, "")]
