"""What runs behind the screen: opening the chat, and one turn or command after the other."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from ally.chat.activity import title_of
from ally.chat.attach import mentioned, message_of, missing
from ally.chat.chat import Chat
from ally.chat.commands.basics import greeting
from ally.chat.commands.completion import complete
from ally.chat.commands.permissions import MODES, policy_of
from ally.chat.commands.registry import is_command, run_command, runs_beside, usages
from ally.chat.hints import in_chat
from ally.chat.own_command import run_own, run_own_unseen, tell_own
from ally.chat.standing import find_tier, standing
from ally.chat.trouble import told
from ally.config.settings import AGENTS, PermissionMode
from ally.engine.interrupt import Interrupted
from ally.engine.loop import send
from ally.errors import AllyError
from ally.events import (
    Event,
    Notice,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolRequested,
    TurnStarted,
    UsageReported,
    UserSaid,
)
from ally.messages import BadToolCall, ToolCall, user
from ally.terminal.text import one_line
from ally.tui import notify
from ally.tui.front import TuiFront
from ally.tui.garbage import Garbage
from ally.tui.notify import LONG_S
from ally.tui.opening import opened

if TYPE_CHECKING:
    from ally.tui.screen import ChatScreen

_MODES: tuple[PermissionMode, ...] = tuple(mode for mode in MODES if mode != "bypass")
"""What one key goes through: nobody gives everything away by pressing it once too often."""


class Talking:
    """Sees to one text after the other. `chat` is there when `is_open`."""

    chat: Chat
    greeted: int = 0
    """How many blocks there were when the greeting was shown."""

    def __init__(self, screen: "ChatScreen") -> None:
        self._screen = screen
        self._front = TuiFront(screen, self._say_next)
        self._later: deque[str] = deque(screen.early)
        self._news = asyncio.Event()
        self._garbage = Garbage()
        self.is_open = self.is_busy = self._is_leaving = False

    async def run(self) -> None:
        """Open the chat and see to what is typed until the user leaves."""
        try:
            self.chat = await opened(self._screen, self._front)
        except AllyError as error:
            self._screen.program.give_up(error)
            return
        self.is_open = True
        try:
            await self._see_to_all()
        finally:
            await self.chat.close()
        self._screen.program.exit(0)

    def take(self, text: str) -> None:
        """See to a text that the user sent, after what runs; a message is said as soon as the model is asked again."""
        if self.is_busy and is_command(text) and runs_beside(text):
            self._screen.run_worker(self._beside(text), exit_on_error=True)
            return
        is_message = not (is_command(text) or text.startswith("!") or mentioned(text))
        if self.is_busy and is_message and self.chat.talk.messages and not self._later:
            self.chat.talk.queue(user(text))
        else:
            self._later.append(text)
        self._news.set()
        self._show_queue()

    def take_back(self) -> str:
        """The last text that still waits, which is not said then; empty if none does."""
        if self._later:
            text = self._later.pop()
        elif self.is_open and self.chat.talk.waiting:
            text = self.chat.talk.waiting.pop().text
        else:
            text = ""
        self._show_queue()
        return text

    def stop(self) -> None:
        """Interrupt what runs; what waits goes back to where it was written."""
        if not self.is_open:
            return
        self.chat.talk.interrupt.request()
        waiting: list[str] = []
        while text := self.take_back():
            waiting.insert(0, text)
        if waiting:
            self._screen.composer.restore("\n".join(filter(None, (*waiting, self._screen.composer.text))))

    def leave(self) -> None:
        """End the chat, after stopping what runs."""
        self._is_leaving = True
        self.stop()
        self._news.set()
        if not self.is_open:
            self._screen.program.exit(0)

    def next_agent(self) -> None:
        """Go on as the agent after this one."""
        if self.is_open:
            place = AGENTS.index(self.chat.agent) if self.chat.agent in AGENTS else -1
            self.take(f"/agent {AGENTS[(place + 1) % len(AGENTS)]}")

    def next_mode(self) -> None:
        """Change to the next permission mode but bypass, at once."""
        if not self.is_open:
            return
        policy = policy_of(self.chat)
        place = _MODES.index(policy.mode) if policy.mode in _MODES else -1
        policy.mode = _MODES[(place + 1) % len(_MODES)]
        self.chat.consent = replace(self.chat.consent, mode=policy.mode)
        self._show_standing()

    async def _see_to_all(self) -> None:
        self._screen.composer.commands = usages()
        self._screen.composer.complete_with(lambda text: complete(self.chat, text))
        await asyncio.to_thread(standing, self.chat)  # the first time it loads much
        self._show_standing()
        await asyncio.to_thread(find_tier, self.chat)
        self._screen.transcript.say(greeting(self.chat))
        self.greeted = sum(1 for _ in self._screen.transcript.blocks())
        self._show_standing()
        while not self.chat.is_over and not self._is_leaving:
            if self._later:
                text = self._later.popleft()
                self._show_queue()
                await self._see_to(text)
            else:
                self._news.clear()
                await self._news.wait()

    async def _see_to(self, text: str) -> None:
        """Obey a command, or say a message; what goes wrong is shown, and the chat goes on."""
        self.is_busy = True
        self.chat.talk.interrupt.start(None)
        try:
            with told():
                await self._doing(text)
        except AllyError as error:
            self._screen.transcript.error(error.message, in_chat(error.hint or ""))
            if not is_command(text) and not self._screen.composer.text:
                self._screen.composer.restore(text)
        except Interrupted:
            self._screen.transcript.say("(Stopped.)")
        finally:
            self.is_busy = False
            self._later.extendleft(message.text for message in reversed(self.chat.talk.waiting))  # no turn took them
            self.chat.talk.waiting.clear()
            self._screen.status.busy("", None)
            self._show_standing()
            self._show_queue()
            self._garbage.turn_ended()

    async def _beside(self, text: str) -> None:
        """Obey a command while something else runs."""
        try:
            with told():
                said = await run_command(self.chat, text)
            if said:
                self._screen.transcript.say(said)
        except AllyError as error:
            self._screen.transcript.error(error.message, in_chat(error.hint or ""))

    def _doing(self, text: str) -> Awaitable[None]:
        if text.startswith("!"):
            return self._run_own(text[1:].strip())
        return self._obey(text) if is_command(text) else self._answer(text)

    async def _obey(self, text: str) -> None:
        if said := await self.chat.talk.interrupt.wait_for(run_command(self.chat, text)):
            self._screen.transcript.say(said)

    async def _run_own(self, command: str) -> None:
        """The command gets the terminal, so that programs which paint work as ever; a browser has none to give."""
        try:
            with self._screen.program.suspend():
                ended = run_own(command, Path.cwd())
        except SuspendNotSupported:
            self._screen.status.busy(f"!{one_line(command)}", time.monotonic())
            ended = await run_own_unseen(command, Path.cwd(), lambda: self.chat.talk.interrupt.is_over)
        said = tell_own(self.chat.talk, command, ended)
        self._screen.transcript.say("\n".join(filter(None, (f"!{command}", ended.text.rstrip("\n"), said))))

    async def _answer(self, text: str) -> None:
        talk = self.chat.talk
        self._screen.transcript.user_said(text, mentioned(text))
        if there_is_no := missing(text):
            self._screen.transcript.say(f"({', '.join(there_is_no)}: there is no such file, so only the name is said.)")
        message = await talk.interrupt.wait_for(message_of(talk, text))
        self._screen.transcript.pictures(message)
        self.chat.begin_step(text)
        began_at = time.monotonic()
        async with aclosing(send(talk, message)) as events:
            async for event in events:
                self.chat.tally.add(event, talk.model.profile)
                self._screen.transcript.add(event)
                self._tell(event)
        if time.monotonic() - began_at > LONG_S:
            self.call_back("The answer is there.")

    def call_back(self, text: str) -> None:
        """A word to who looks at another window, if the user wants that."""
        if self.chat.app.settings.tui.notify:
            notify.tell(self._screen.program, text)

    def show_running(self, call: ToolCall | BadToolCall) -> None:
        """This call runs from now on, if nobody has to be asked first."""
        if not self._screen.question.is_open:
            self._screen.status.busy(title_of(call), time.monotonic())

    def _tell(self, event: Event) -> None:
        """What runs now, in the status line."""
        now = time.monotonic()
        match event:
            case UserSaid():
                self._show_queue()
            case TurnStarted() | ToolFinished():
                self._screen.status.busy("waiting for the model", now)
                self._show_standing()
            case UsageReported():
                self._show_standing()
            case ToolRequested(call):
                self.show_running(call)
            case ThinkingDelta():
                self._screen.status.busy("thinking", now)
            case TextDelta():
                self._screen.status.busy("answering", now)
            case Notice(text, retry_in_s) if retry_in_s is not None:
                self._screen.status.busy(text, now, now + retry_in_s)
            case _:
                pass

    def _say_next(self, text: str) -> None:
        self._later.appendleft(text)
        self._news.set()

    def _show_queue(self) -> None:
        waiting = [message.text for message in self.chat.talk.waiting] if self.is_open else []
        self._screen.show_queue([*waiting, *self._later])

    def _show_standing(self) -> None:
        """Bring the status line up to date."""
        self._screen.status.show(standing(self.chat))
