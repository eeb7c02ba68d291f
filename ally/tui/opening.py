"""What happens between the first paint and the first message: what has to be asked, and opening the chat."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ally.chat.chat import Chat, open_chat
from ally.chat.setup import needs_setup, set_up
from ally.chat.trust import is_open, keep_answer, trust_question
from ally.models.progress import Progress, listen
from ally.tui.themes import choose_theme

if TYPE_CHECKING:
    from ally.app import App as Ally
    from ally.tui.front import TuiFront
    from ally.tui.screen import ChatScreen

_PHASES = {"wait": "waiting for another ally to fetch", "fetch": "fetching", "check": "checking"}


async def opened(screen: "ChatScreen", front: "TuiFront") -> Chat:
    """The chat, with its history shown. It is opened in a thread, so that keys are taken meanwhile.

    Raises:
        AllyError: there can be no chat.
    """
    ally, folder = screen.ally, Path.cwd()
    ally.warn = _once(front)
    listen(_shows(screen))
    screen.status.busy("starting", time.monotonic())
    await _ask_trust(ally, front, folder)
    settings = (await asyncio.to_thread(lambda: ally.settings)).tui
    screen.take_settings(settings)
    if settings.theme is not None:
        screen.program.theme = choose_theme(settings.theme, os.environ)
    await _ask_setup(screen, front)
    front.is_unasked = False
    start = replace(screen.start, consent=replace(screen.start.consent, asker=screen.question))
    chat = await asyncio.to_thread(asyncio.run, open_chat(ally, start, front))
    if chat.talk.messages:
        screen.transcript.load(chat.talk.messages)
    screen.status.busy("", None)
    return chat


async def _ask_trust(ally: "Ally", front: "TuiFront", folder: Path) -> None:
    if await asyncio.to_thread(is_open, ally.trust, folder):
        title, options = trust_question(folder)
        keep_answer(ally.trust, folder, await front.choose(title, options))


async def _ask_setup(screen: "ChatScreen", front: "TuiFront") -> None:
    start = screen.start
    is_said = start.provider is not None or start.model is not None
    if not is_said and await asyncio.to_thread(needs_setup, screen.ally):
        await set_up(screen.ally, front)


def _once(front: "TuiFront") -> Callable[[str], None]:
    """Warns of nothing twice: every change of model or agent finds the same."""
    said: set[str] = set()

    def warn(text: str) -> None:
        if text not in said:
            said.add(text)
            front.say(text)

    return warn


def _shows(screen: "ChatScreen") -> Callable[[Progress], None]:
    """Shows how far a fetch is in the status line; it is told from other threads, many times a second."""
    is_painting = threading.Event()

    def paint(progress: Progress) -> None:
        is_painting.clear()
        if progress.phase in ("done", "stopped"):
            screen.status.busy("", None)
            return
        share = f" {progress.done_bytes / progress.total_bytes:.0%}" if progress.total_bytes else ""
        screen.status.busy(f"{_PHASES[progress.phase]} {progress.model}{share}", None)

    def show(progress: Progress) -> None:
        if progress.phase in ("done", "stopped") or not is_painting.is_set():
            is_painting.set()
            screen.program.call_later(paint, progress)

    return show
