"""The chat on the whole screen, and what is left of it on the terminal afterwards."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ally.cli import exits
from ally.cli.folder import enter
from ally.cli.starting import start_of
from ally.cli.terminal import report, say
from ally.tui.colors import settle

if TYPE_CHECKING:
    from ally.app import App
    from ally.tui.launch import Ended
    from ally.tui.lobby import Lobby


def run(args: argparse.Namespace, app: "App", lobby: "Lobby | None" = None) -> int:
    """Talk until the user leaves; the exit code. `lobby` has taken the keys until now."""
    if args.directory:
        enter(Path(args.directory))
    settle(os.environ)
    from ally.tui import launch  # heavy

    ended = launch.run(app, start_of(args), args.prompt, lobby)
    if ended.is_open and not args.no_scrollback and app.settings.tui.scrollback:
        _print(ended)
    return _told(ended)


def _print(ended: "Ended") -> None:
    """What was said, for the terminal's scrollback; Ctrl-C has enough of it."""
    try:
        for line in ended.said:
            print(line)
        sys.stdout.flush()
    except KeyboardInterrupt:
        say("")


def _told(ended: "Ended") -> int:
    """Say why it ended and how to go on; the exit code."""
    if ended.crash:
        say(f"{ended.crash}Ally broke. This is a bug; the lines above say where.")
    if ended.failure is not None:
        report(ended.failure)
    if ended.session:
        say(f"To go on: ally -i {ended.session}")
    if ended.signal is not None:
        return 128 + ended.signal
    if ended.failure is not None:
        return exits.exit_code(ended.failure)
    return exits.FAILED if ended.crash else ended.code
