"""The chat in plain lines: nothing is redrawn, so it suits screen readers, dumb terminals and pipes."""

import argparse
import asyncio
import os
import sys
from contextlib import aclosing
from pathlib import Path

from ally import __version__
from ally.app import App
from ally.cli import exits
from ally.cli.folder import enter
from ally.cli.signals import stopping
from ally.cli.slash import Chat, describe, is_command, run_command
from ally.cli.terminal import clean, one_line, report, say
from ally.engine.loop import send
from ally.errors import AllyError
from ally.events import Event, Notice, TextDelta, ThinkingDelta, TurnFailed, TurnFinished, TurnInterrupted
from ally.messages import user

PROMPT = "> "


def run(args: argparse.Namespace, app: App) -> int:
    """Talk until the user leaves; 0, or the exit code of the error that prevented a start."""
    if args.directory:
        enter(Path(args.directory))
    talk = app.converse(args.agent or "general", provider=args.provider, model=args.model, temperature=args.temperature)
    chat = Chat(app, talk, args)
    _greet(chat)
    _edit_lines()
    with asyncio.Runner() as runner:
        try:
            if args.prompt:
                runner.run(_answer(chat, args.prompt))
            while not chat.is_over:
                _next(chat, runner)
        except EOFError:
            _end_line()
        finally:
            runner.run(chat.talk.model.close())
    return exits.OK


def _next(chat: Chat, runner: asyncio.Runner) -> None:
    """Read one message and see to it.

    Raises:
        EOFError: there will be no other.
    """
    try:
        text = read_message()
    except KeyboardInterrupt:
        say("\n(Ctrl-D or /quit leaves.)")
        return
    if not text.strip():
        return
    try:
        if is_command(text):
            runner.run(run_command(chat, text))
        else:
            runner.run(_answer(chat, text))
    except AllyError as error:
        report(error)
    except KeyboardInterrupt:
        say("\n(Stopped.)")


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


async def _answer(chat: Chat, text: str) -> None:
    """Say `text` and write the answer as it arrives; Ctrl-C stops it and keeps what came."""
    with stopping(chat.talk.interrupt):
        shown = _Shown()
        async with aclosing(send(chat.talk, user(text))) as events:
            async for event in events:
                shown.add(event)


class _Shown:
    """What of the turn stands on the screen."""

    def __init__(self) -> None:
        self._thinks = False
        self._column_used = False

    def add(self, event: Event) -> None:
        match event:
            case TextDelta(text):
                self._write(clean(text))
            case ThinkingDelta() if not self._thinks:
                self._thinks = True
                say("(thinking …)")
            case Notice(text, retry_in_s):
                self._break()
                say(f"({one_line(text)}" + (f" In {retry_in_s:.1f} s.)" if retry_in_s is not None else ")"))
            case TurnFailed(error):
                self._break()
                report(error)
            case TurnInterrupted():
                self._break()
                say("(Stopped.)")
            case TurnFinished(reason):
                self._break()
                if reason == "length":
                    say("(The answer reached the model's length limit.)")
                elif reason == "refused":
                    say("(The service stopped this answer.)")
            case _:
                pass

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
        if text:
            self._column_used = not text.endswith("\n")

    def _break(self) -> None:
        if self._column_used:
            self._write("\n")


def _greet(chat: Chat) -> None:
    say(f"Ally {__version__} · {describe(chat)} · /help · Ctrl-D leaves")


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
