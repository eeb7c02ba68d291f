"""The chat in plain lines: nothing is redrawn, so it suits screen readers, dumb terminals and pipes."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from ally.app import App
from ally.chat.chat import Chat
from ally.chat.commands.basics import greeting
from ally.chat.own_command import run_own, tell_own
from ally.chat.trouble import told
from ally.cli import exits
from ally.cli.folder import enter
from ally.cli.plain_lines import end_line
from ally.cli.plain_talk import PlainTalk, open_talk
from ally.cli.signals import leaving
from ally.cli.terminal import report_in_chat, say
from ally.cli.trusting import ask_trust
from ally.errors import AllyError


def run(args: argparse.Namespace, app: App) -> int:
    """Talk until the user leaves; 0, or the exit code of the error that prevented a start.

    Where nobody sits at a terminal, the exit code of the last failure.
    """
    if args.directory:
        enter(Path(args.directory))
    app.warn = _once(app.warn)
    with leaving():
        ask_trust(app, Path.cwd())
        with asyncio.Runner() as runner:
            talk = runner.run(open_talk(args, app))
            try:
                _talk(talk, runner, args.prompt)
            finally:
                runner.run(talk.close())
    return exits.OK if sys.stdin.isatty() else talk.code


def _talk(talk: PlainTalk, runner: asyncio.Runner, first: str) -> None:
    say(greeting(talk.chat))
    if first:
        talk.later.append(first)
    try:
        while not talk.chat.is_over and talk.is_wanted:
            _next(talk, runner)
    except EOFError:
        end_line()


def _next(talk: PlainTalk, runner: asyncio.Runner) -> None:
    """Read one message and see to it.

    Raises:
        EOFError: there will be no other.
    """
    try:
        text = talk.next_text()
        if not text.strip():
            return
        with told():
            if text.startswith("!"):
                _run_own(talk.chat, text[1:].strip())
            else:
                runner.run(talk.see_to(text))
    except AllyError as error:
        talk.code = exits.exit_code(error)
        report_in_chat(error)
    except KeyboardInterrupt:
        if talk.received.number is not None:  # the second one
            raise SystemExit(exits.INTERRUPTED) from None
        say("\n(Stopped.)")


def _run_own(chat: Chat, command: str) -> None:
    """Run a command of the user's own, and let the model know with the next message."""
    if command:
        say("(With your rights, in no sandbox.)")
    say(tell_own(chat.talk, command, run_own(command, Path.cwd())))


def _once(warn: Callable[[str], None]) -> Callable[[str], None]:
    """`warn`, which says nothing twice: every change of model or agent finds the same."""
    said: set[str] = set()

    def warn_once(text: str) -> None:
        if text not in said:
            said.add(text)
            warn(text)

    return warn_once
