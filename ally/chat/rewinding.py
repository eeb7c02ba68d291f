"""Going back to before an earlier message: the conversation, and the files if that is wished."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ally.chat.undone import told
from ally.checkpoints import Checkpoints, Outcome
from ally.sessions.branches import Spot
from ally.terminal.text import one_line

if TYPE_CHECKING:
    from ally.chat.chat import Chat

LABEL_CHARACTERS = 80
FILES_STAY = "[The user went back to here: what was said after it is forgotten, but changed files stay changed.]"
_ATTACHED = "[The user attached "


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the user; `at` is in seconds since 1970."""

    index: int
    text: str
    at: int


def said(chat: "Chat") -> list[Said]:
    """All messages of the user that can be gone back to, oldest first."""
    return [Said(index, spot.message.text, spot.at) for index, spot in enumerate(chat.session.spots())]


def label(text: str) -> str:
    """How the step of a message is called."""
    return one_line(text)[:LABEL_CHARACTERS]


def steps_since(chat: "Chat", index: int) -> int:
    """How many steps of /undo the messages from that one on have made."""
    checkpoints = chat.talk.checkpoints
    return _steps(checkpoints, chat.session.spots()[max(0, index) :]) if checkpoints is not None else 0


async def rewind(chat: "Chat", index: int, *, files: bool) -> str:
    """As `Chat.rewind`."""
    checkpoints, session, talk = chat.talk.checkpoints, chat.session, chat.talk
    spots = session.spots()[max(0, index) :]
    steps = await asyncio.to_thread(_steps, checkpoints, spots) if checkpoints is not None else 0
    spot = session.rewind(index)  # first: killed before the files, /undo still takes them back
    talk.rewind(session.load())
    context = spot.message.context
    if context and not context.startswith(_ATTACHED):  # what its @ names goes along again
        talk.notes[:0] = [context]
    elif not talk.messages:
        talk.notes[:0] = chat.app.circumstances(talk)
    chat.front.show(talk.messages)
    lines = [f"Back to before: {label(spot.message.text)}"]
    if steps and checkpoints is not None and files:
        for outcome in await asyncio.to_thread(_undo, checkpoints, steps):
            lines += told(outcome)
    elif steps:
        talk.notes.append(FILES_STAY)
        lines.append("  The files stay as they are; /undo takes back what was changed in them.")
    chat.front.say("\n".join(lines))
    return spot.message.text


def _steps(checkpoints: Checkpoints, spots: Sequence[Spot]) -> int:
    """The newest steps that these messages made: they were made after the first of them and are called like one."""
    labels = {label(spot.message.text) for spot in spots}
    count = 0
    for name, at in checkpoints.in_force() if spots else ():
        if name not in labels or at < spots[0].at:
            break
        count += 1
    return count


def _undo(checkpoints: Checkpoints, steps: int) -> list[Outcome]:
    return [checkpoints.undo() for _ in range(steps)]
