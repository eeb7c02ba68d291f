"""The chat on the whole screen."""

import argparse
from pathlib import Path

from ally.app import App
from ally.cli.folder import enter
from ally.cli.starting import start_of
from ally.tui import launch


def run(args: argparse.Namespace, app: App) -> int:
    """Talk until the user leaves; the exit code."""
    if args.directory:
        enter(Path(args.directory))
    return launch.run(app, start_of(args), args.prompt)
