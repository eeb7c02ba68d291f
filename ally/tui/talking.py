"""What runs behind the screen: opening the chat, and one turn or command after the other."""

import asyncio
import time
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING

from ally.chat.activity import title_of
from ally.chat.attach import mentioned, message_of
from ally.chat.chat import Chat, open_chat
from ally.chat.commands.permissions import MODES, policy_of
from ally.chat.commands.registry import is_command, run_command
from ally.config.settings import AGENTS, PermissionMode
from ally.engine.interrupt import Interrupted
from ally.engine.loop import send
from ally.errors import AllyError
from ally.events import Event, Notice, TextDelta, ThinkingDelta, ToolFinished, ToolRequested, TurnStarted
from ally.messages import user
from ally.tui.front import TuiFront

if TYPE_CHECKING:
    from ally.tui.screen import ChatScreen


class Talking:
    """Sees to one text after the other. `chat` is there when `is_open`."""

    chat: Chat

    def __init__(self, screen: "ChatScreen") -> None:
        self._screen = screen
        self._front = TuiFront(screen)
        self._later: deque[str] = deque()
        self._news = asyncio.Event()
        self.is_open = self.is_busy = self._is_leaving = False

    async def run(self) -> None:
        """Open the chat and see to what is typed until the user leaves."""
        if not await self._open():
            return
        try:
            while not self.chat.is_over and not self._is_leaving:
                if self._later:
                    await self._see_to(self._later.popleft())
                else:
                    self._news.clear()
                    await self._news.wait()
        finally:
            await self.chat.close()
        self._screen.program.exit(0)

    def take(self, text: str) -> None:
        """A text the user sent: at once, or after what runs."""
        is_message = not (is_command(text) or text.startswith("!") or mentioned(text))
        if self.is_busy and is_message and self.chat.talk.messages:
            self.chat.talk.queue(user(text))
        else:
            self._later.append(text)
        self._news.set()

    def stop(self) -> None:
        """Interrupt the turn."""
        self.chat.talk.interrupt.request()

    def leave(self) -> None:
        """End the chat, after stopping what runs."""
        self._is_leaving = True
        if self.is_busy:
            self.stop()
        self._news.set()
        if not self.is_open:
            self._screen.program.exit(0)

    def next_agent(self) -> None:
        """Go on as the agent after this one."""
        if self.is_open:
            self.take(f"/agent {AGENTS[(AGENTS.index(self.chat.agent) + 1) % len(AGENTS)]}")

    def next_mode(self) -> None:
        """Change to the next permission mode but bypass, at once."""
        if self.is_open:
            modes: list[PermissionMode] = [mode for mode in MODES if mode != "bypass"]
            policy = policy_of(self.chat)
            policy.mode = modes[(modes.index(policy.mode) + 1) % len(modes) if policy.mode in modes else 0]

    async def _open(self) -> bool:
        screen, ally = self._screen, self._screen.ally
        ally.warn = self._front.say
        try:
            self.chat = await asyncio.to_thread(asyncio.run, open_chat(ally, screen.start, self._front))
        except AllyError as error:
            screen.transcript.error(error.message, error.hint or "")
            return False
        self.is_open = True
        if self.chat.talk.messages:
            screen.transcript.load(self.chat.talk.messages)
        if screen.first:
            self._later.append(screen.first)
        return True

    async def _see_to(self, text: str) -> None:
        self.is_busy = True
        try:
            if is_command(text):
                if said := await run_command(self.chat, text):
                    self._screen.transcript.say(said)
            else:
                await self._answer(text)
        except AllyError as error:
            self._screen.transcript.error(error.message, error.hint or "")
        except Interrupted:
            self._screen.transcript.say("Stopped.")
        finally:
            self.is_busy = False
            self._screen.status.busy("", None)

    async def _answer(self, text: str) -> None:
        talk = self.chat.talk
        talk.interrupt.start(None)
        self._screen.transcript.user_said(text, mentioned(text))
        message = await talk.interrupt.wait_for(message_of(talk, text))
        self.chat.begin_step(text)
        async with aclosing(send(talk, message)) as events:
            async for event in events:
                self._screen.transcript.add(event)
                self._tell(event)

    def _tell(self, event: Event) -> None:
        """What runs now, in the status line."""
        now = time.monotonic()
        match event:
            case TurnStarted() | ToolFinished():
                self._screen.status.busy("waiting for the model", now)
            case ToolRequested(call):
                self._screen.status.busy(title_of(call), now)
            case ThinkingDelta():
                self._screen.status.busy("thinking", now)
            case TextDelta():
                self._screen.status.busy("answering", now)
            case Notice(text, retry_in_s) if retry_in_s is not None:
                self._screen.status.busy(text, now)
            case _:
                pass
