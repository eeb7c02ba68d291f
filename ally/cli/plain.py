"""The chat in plain lines: nothing is redrawn, so it suits screen readers, dumb terminals and pipes."""

import argparse
import asyncio
import os
import sys
from collections import deque
from collections.abc import Awaitable
from contextlib import aclosing, nullcontext
from dataclasses import replace
from pathlib import Path

from ally import __version__
from ally.app import App
from ally.chat.attach import mentioned, message_of
from ally.chat.chat import Chat, open_chat
from ally.chat.commands.basics import surroundings
from ally.chat.commands.models import describe
from ally.chat.commands.registry import is_command, run_command
from ally.chat.commands.sessions import told
from ally.chat.waiting import Waiting, silence
from ally.cli import exits
from ally.cli.approval import Approver
from ally.cli.folder import enter
from ally.cli.keyboard import Keyboard
from ally.cli.plain_front import PlainFront
from ally.cli.screen import Screen
from ally.cli.signals import Received, exit_code, leaving, stopping
from ally.cli.starting import start_of
from ally.cli.terminal import report, say
from ally.cli.trusting import ask_trust
from ally.engine.interrupt import Interrupted
from ally.engine.loop import send
from ally.errors import AllyError, UsageError
from ally.events import Notice
from ally.messages import user
from ally.terminal.text import clean, one_line
from ally.tools.user_shell import run_user_command

PROMPT = "> "


def run(args: argparse.Namespace, app: App) -> int:
    """Talk until the user leaves; 0, or the exit code of the error that prevented a start."""
    if args.directory:
        enter(Path(args.directory))
    with leaving():
        ask_trust(app, Path.cwd())
        with asyncio.Runner() as runner:
            front = runner.run(_open(args, app))
            try:
                _talk(front, runner, args.prompt)
            finally:
                runner.run(front.chat.close())
    return exits.OK


def _talk(front: "_Front", runner: asyncio.Runner, first: str) -> None:
    _greet(front.chat)
    _edit_lines()
    if first:
        front.later.append(first)
    try:
        while not front.chat.is_over:
            _next(front, runner)
    except EOFError:
        _end_line()


def _next(front: "_Front", runner: asyncio.Runner) -> None:
    """Read one message and see to it.

    Raises:
        EOFError: there will be no other.
    """
    try:
        text = front.later.popleft() if front.later else read_message()
    except KeyboardInterrupt:
        say("\n(Ctrl-D or /quit leaves.)")
        return
    if not text.strip():
        return
    try:
        if text.startswith("!"):
            _run_own(front.chat, text[1:].strip())
        else:
            runner.run(front.see_to(text))
    except AllyError as error:
        report(error)
    except KeyboardInterrupt:
        if front.received.number is not None:  # the second one
            raise SystemExit(exits.INTERRUPTED) from None
        say("\n(Stopped.)")


def _run_own(chat: Chat, command: str) -> None:
    """Run a command of the user's own, and let the model know with the next message."""
    if not command:
        raise UsageError("There is no command after the !.", hint="!ls runs ls")
    if command.split(maxsplit=1)[0] == "cd" and not any(mark in command for mark in "&;|\n"):
        raise UsageError(
            "Ally stays in its folder.", hint="ally -d FOLDER works in another; !cd FOLDER && ls looks there"
        )
    say("(With your rights, in no sandbox.)")
    try:
        ended = run_user_command(command, Path.cwd())
    except OSError as error:
        raise UsageError(f"The command could not be started: {error.strerror}.") from error
    code = f"exit {ended.code}"
    chat.talk.notes.append(f"[The user ran a command: {command}\n{code}\n{ended.text.strip() or '(no output)'}]")
    say(f"({code}; the model is told with your next message.)")


def read_message() -> str:
    """The next message: one line, several when each but the last ends in a backslash, or a pasted block.

    Raises:
        EOFError: standard input is at its end.
        KeyboardInterrupt: the user gave the line up.
    """
    lines = [_read_line(PROMPT)]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        try:
            lines.append(_read_line(". "))
        except EOFError:  # what was written so far is a message; the next call finds the end again
            lines.append("")
            _end_line()
    return "\n".join(lines)


def _read_line(prompt: str) -> str:
    return input(prompt if sys.stdin.isatty() else "")


async def _open(args: argparse.Namespace, app: App) -> "_Front":
    """The chat, with somebody to ask where there is a terminal."""
    front = _Front()
    start = start_of(args)
    if sys.stdin.isatty() and sys.stderr.isatty():
        front.keyboard = Keyboard(sys.stdin.fileno(), front.take)
        start = replace(start, consent=replace(start.consent, asker=Approver(front.keyboard, front.screen)))
    front.chat = await open_chat(app, start, PlainFront(front.later))
    return front


class _Front:
    """The terminal's side of a chat; `later` is what waits until the running turn is over."""

    chat: Chat

    def __init__(self) -> None:
        self.screen = Screen()
        self.keyboard: Keyboard | None = None
        self.later: deque[str] = deque()
        self.received = Received()

    async def see_to(self, text: str) -> None:
        """Obey a command, or say a message."""
        self.received = Received()
        if is_command(text):
            if said := await run_command(self.chat, text):
                print(clean(said), flush=True)
        else:
            await self._in_turn(self._answer(text))

    def take(self, text: str) -> None:
        """What was typed while a turn runs: a message is said as soon as the model is asked again."""
        self.screen.line_was_ended()
        if is_command(text) or text.startswith("!") or mentioned(text):
            self.later.append(text)
            say(f"(After this answer: {one_line(text)})")
        else:
            self.chat.talk.queue(user(text))
            say("(Queued.)")

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
        talk = self.chat.talk
        talk.interrupt.start(None)
        message = await talk.interrupt.wait_for(message_of(talk, text))
        self.chat.begin_step(text)
        waiting = Waiting(self._tell_of_silence)
        async with aclosing(send(talk, message)) as events:
            try:
                async for event in events:
                    waiting.add(event)
                    self.screen.add(event)
            finally:
                waiting.stop()
        if talk.waiting:
            say(f"({len(talk.waiting)} queued: said with your next message.)")

    def _tell_of_silence(self) -> None:
        if sys.stderr.isatty():
            self.screen.add(Notice(silence(self.chat.talk)))


def _greet(chat: Chat) -> None:
    say(f"Ally {__version__} · {describe(chat)} · /help · Ctrl-D leaves")
    say(surroundings(chat))
    if chat.talk.messages:
        say(told(chat))


def _end_line() -> None:
    if sys.stdin.isatty():
        print()


def _edit_lines() -> None:
    """Let `input` edit lines, recall the ones of this run and take a pasted block as one, where the platform can."""
    if sys.stdin.isatty():
        try:
            import readline  # heavy
        except ImportError:
            return
        readline.set_auto_history(True)
        if os.environ.get("TERM", "dumb") != "dumb" and "libedit" not in (readline.__doc__ or ""):
            readline.parse_and_bind("set enable-bracketed-paste on")  # Python turns it off
