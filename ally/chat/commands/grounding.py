"""/start_rag /stop_rag /refs: answers from collections, and where they stand."""

import asyncio
from pathlib import Path

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.commands.places import preview
from ally.chat.front import Option
from ally.engine.grounding import Grounding
from ally.errors import KnowledgeError, UsageError
from ally.messages import Citation, Source
from ally.rag.citing.naming import Naming
from ally.rag.citing.sources import sources_of
from ally.terminal.text import one_line, visible

Place = Source | Citation


async def start(chat: Chat, how: str) -> str:
    """Let answers come from the collections alone, or with `open` from elsewhere, too."""
    if how not in ("", "open"):
        raise UsageError(f"/start_rag does not understand {one_line(how)}.", hint="/start_rag, or /start_rag open")
    librarian = chat.talk.librarian
    names = await asyncio.to_thread(librarian.names) if librarian is not None else []
    if not names:
        raise KnowledgeError("No collection is indexed.", hint="/embed PATH NAME makes one, /index NAME takes one in")
    chat.talk.grounding = Grounding(how == "open", chat.app.settings.knowledge.rewrite)
    listed = one_line(visible(", ".join(names)))
    if how == "open":
        return f"Answers come from {listed} first; other tools work as usual. /stop_rag ends it."
    return f"Answers come from {listed} alone; other tools ask first (/start_rag open lets them). /stop_rag ends it."


async def stop(chat: Chat, _: str) -> str:
    """Answers come from anywhere again."""
    if chat.talk.grounding is None:
        return "Answers come from anywhere already."
    chat.talk.grounding = None
    return "Answers come from anywhere again."


async def refs(chat: Chat, which: str) -> str:
    """Open one of the places that the last answer cites, or else was given."""
    number = which.strip("[] ")
    if number and not (number.isascii() and number.isdigit() and len(number) < 5):
        raise UsageError(f"{one_line(which)} is no number.", hint="/refs, or /refs N for the source [N]")
    places = _known(chat, int(number)) if number else _last(chat)
    if not places:
        raise UsageError(f"There is no source [{number}]." if number else "No answer has cited anything yet.")
    naming = chat.talk.librarian.naming if chat.talk.librarian else Naming(Path.cwd(), Path.home())
    titles = [_title(place, naming) for place in places]
    if not chat.front.can_ask:
        return "\n".join(titles)
    chosen = 0 if len(places) == 1 else await _chosen(chat, places, titles)
    if chosen is None:
        return ""
    place = places[chosen]
    if not place.line_start:  # an editor has no pages
        return f"{titles[chosen]}\n{visible(place.path)}"
    await chat.front.look_at(Path(place.path), place.line_start)
    return ""


def _last(chat: Chat) -> list[Place]:
    """What the newest answer cites that cites anything; of newer passages, these."""
    for message in reversed(chat.talk.messages):
        if message.role == "assistant" and (found := [one for one in message.citations if one.is_found]):
            return list({(one.path, one.line_start, one.label, one.quote): one for one in found}.values())
        if message.role != "assistant" and (given := sources_of(message)):
            return [*given]
    return []


def _known(chat: Chat, number: int) -> list[Place]:
    """The newest place that was cited by that number, else the passage."""
    for message in reversed(chat.talk.messages):
        if message.role == "assistant":
            found = [one for one in message.citations if one.is_found and one.number == number]
            if found:
                return [*found]
    source = chat.talk.sources.get(number)
    return [source] if source is not None else []


async def _chosen(chat: Chat, places: list[Place], titles: list[str]) -> int | None:
    options = [Option(str(place), title) for place, title in enumerate(titles)]
    value = await chat.front.choose(
        "Open", options, lambda value: preview(Path(places[int(value)].path), places[int(value)].line_start)
    )
    return None if value is None else int(value)


def _title(place: Place, naming: Naming) -> str:
    quote = visible(place.quote) if isinstance(place, Citation) else ""
    return f"[{place.number}] {naming.place(place)}" + (f' "{quote}"' if quote else "")


def _numbers(chat: Chat) -> list[str]:
    return [str(number) for number in sorted(chat.talk.sources)]


COMMANDS = {
    "/start_rag": Command(
        "/start_rag [open]",
        "let answers come from the collections only",
        start,
        "Passages go along with each question. Other tools ask first; with open they work as usual.",
        values=lambda chat: ["open"],
    ),
    "/stop_rag": Command("/stop_rag", "let answers come from anywhere again", stop),
    "/refs": Command(
        "/refs [N]", "open a place that the last answer cites", refs, "With N the source [N].", values=_numbers
    ),
}
