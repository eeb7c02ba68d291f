"""A chat on a terminal of plain lines, or on none: one text after the other."""

import argparse
import sys
import time
from collections import deque
from collections.abc import Awaitable
from contextlib import aclosing, nullcontext
from dataclasses import replace

from ally.app import App
from ally.chat.attach import mentioned, message_of
from ally.chat.chat import Chat, open_chat
from ally.chat.commands.registry import is_command, run_command
from ally.chat.waiting import Waiting, silence
from ally.cli import exits
from ally.cli.approval import Approver
from ally.cli.attachments import attachments
from ally.cli.keyboard import Keyboard
from ally.cli.plain_front import PlainFront
from ally.cli.plain_lines import Lines, check_whole
from ally.cli.plain_memory import Memory
from ally.cli.screen import Screen
from ally.cli.signals import Received, exit_code, stopping
from ally.cli.starting import start_of
from ally.cli.terminal import folded, report_in_chat, say
from ally.engine.interrupt import Interrupted
from ally.engine.loop import send
from ally.errors import AllyError
from ally.events import Notice, TurnFailed
from ally.messages import user
from ally.terminal.text import clean, one_line

LONG_S = 20.0
"""A turn that took longer ends with the bell, if the settings say so."""


async def open_talk(args: argparse.Namespace, app: App) -> "PlainTalk":
    """The chat that `args` wish for, with somebody to ask where there is a terminal.

    Raises:
        AllyError: the session, agent, provider or model cannot be had.
    """
    talk = PlainTalk(app)
    start = start_of(args)
    if talk.front.can_ask:
        if not (args.provider or args.model):
            await _set_up(app, talk.front)
        if sys.platform == "win32":  # its console cannot be read beside a turn
            say("(In plain lines nobody can be asked here: what would ask is refused. The screen asks.)")
        else:
            talk.keyboard = Keyboard(sys.stdin.fileno(), talk.take)
            start = replace(start, consent=replace(start.consent, asker=Approver(talk.keyboard, talk.screen)))
    talk.chat = await open_chat(app, start, talk.front)
    if sys.stdin.isatty():
        talk.memory = Memory(talk.chat, talk.lines)
    return talk


async def _set_up(app: App, front: PlainFront) -> None:
    from ally.chat.setup import needs_setup, set_up  # late: scripts need none of it

    if needs_setup(app):
        await set_up(app, front)


class PlainTalk:
    """The terminal's side of a chat; `later` is what waits until the running turn is over.

    `code` is the exit code of the last failure, `is_wanted` false once the user has left.
    """

    chat: Chat

    def __init__(self, app: App) -> None:
        self.screen = Screen()
        self.keyboard: Keyboard | None = None
        self.later: deque[str] = deque()
        self.received = Received()
        self.lines = Lines()
        self.front = PlainFront(self.lines, app, self.later)
        self.memory: Memory | None = None
        self.code = exits.OK
        self.is_wanted = True
        self._is_leaving = False

    def next_text(self) -> str:
        """What waits, else what is typed next; empty if the line was given up.

        Raises:
            EOFError: there will be nothing more.
            UsageError: a part of the line was lost.
        """
        if self.later:
            return self.later.popleft()
        try:
            text = self.lines.message()
        except KeyboardInterrupt:
            self._give_up_line()
            return ""
        except SystemExit:  # a signal: what was typed is there the next time
            if self.memory is not None:
                self.memory.keep_draft(self.lines.unsent)
            raise
        self._is_leaving = False
        if self.memory is not None:
            self.memory.add(text)
        return text

    async def see_to(self, text: str) -> None:
        """Obey a command, or say a message.

        Raises:
            AllyError: it could not be done.
        """
        self.received = Received()
        if is_command(text):
            if said := await run_command(self.chat, text):
                print(folded(clean(said), sys.stdout), flush=True)
            return
        try:
            await self._in_turn(self._answer(text))
        except AllyError:
            if self.lines.can_edit:
                self.lines.draft = text
            raise

    def take(self, text: str) -> None:
        """What was typed while a turn runs: a message is said as soon as the model is asked again."""
        self.screen.line_was_ended()
        try:
            check_whole(text)
        except AllyError as error:
            report_in_chat(error)
            return
        if self.memory is not None:
            self.memory.add(text)
        if is_command(text) or text.startswith("!") or mentioned(text):
            self.later.append(text)
            say(f"(After this answer: {one_line(text)})")
        else:
            self.chat.talk.queue(user(text))
            say("(Queued.)")

    async def close(self) -> None:
        """Let go of everything."""
        if self.memory is not None:
            self.memory.close()
        await self.chat.close()

    def _give_up_line(self) -> None:
        """Ctrl-C at the prompt: what was typed comes back with the Up key; with nothing typed, twice leaves."""
        unsent = self.lines.unsent
        if unsent.strip():
            self.lines.remember(unsent)
            self._is_leaving = False
            say("\n(Not sent; the Up key brings it back. Ctrl-D or /quit leaves.)")
        elif self._is_leaving:
            self.is_wanted = False
            say("")
        else:
            self._is_leaving = True
            say("\n(Ctrl-D or /quit leaves, and so does Ctrl-C again.)")

    async def _in_turn(self, work: Awaitable[None]) -> None:
        """Let Ctrl-C stop `work` and the keyboard be read meanwhile; a signal to end the program does so after it."""
        typing = self.keyboard.watching() if self.keyboard else nullcontext()
        with stopping(self.chat.talk.interrupt) as self.received, typing:
            try:
                await work
            except Interrupted:
                say("(Stopped.)")
        if self.received.ends_program:
            raise SystemExit(exit_code(self.received.number))

    async def _answer(self, text: str) -> None:
        """Say `text` and show what happens."""
        talk, begun = self.chat.talk, time.monotonic()
        talk.interrupt.start(None)
        message = await talk.interrupt.wait_for(message_of(talk, text))
        for line in attachments(message, text):
            say(line)
        self.chat.begin_step(text)
        self.screen.thinking = self.chat.app.settings.tui.thinking  # /settings may have changed it
        waiting = Waiting(self._tell_of_silence)
        async with aclosing(send(talk, message)) as events:
            try:
                async for event in events:
                    waiting.add(event)
                    self.chat.tally.add(event, talk.model.profile)
                    self.screen.add(event)
                    if isinstance(event, TurnFailed):
                        self.code = exits.exit_code(event.error)
            finally:
                waiting.stop()
        if talk.waiting:
            say(f"({len(talk.waiting)} queued: said with your next message.)")
        ring_after(time.monotonic() - begun, is_wanted=self.chat.app.settings.tui.notify)

    def _tell_of_silence(self) -> None:
        if sys.stderr.isatty():
            self.screen.add(Notice(silence(self.chat.talk)))


def ring_after(seconds: float, *, is_wanted: bool) -> None:
    """Ring the bell of the terminal when a turn took so long that somebody may have turned away."""
    if seconds > LONG_S and is_wanted and sys.stderr.isatty():
        sys.stderr.write("\a")
        sys.stderr.flush()
