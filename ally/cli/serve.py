"""`ally serve`: the chat in a browser of this machine."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from ally.app import App
from ally.cli import exits
from ally.cli.folder import enter
from ally.cli.signals import leaving
from ally.cli.terminal import say
from ally.errors import UsageError

_PASSED_ON = ("agent", "provider", "model", "permission_mode")


def run(args: argparse.Namespace, app: App) -> int:
    """Serve until Ctrl-C. The address is the only line on standard output."""
    try:
        from ally.serve.server import ChatServer  # heavy
    except ImportError as error:
        raise UsageError(
            f"A browser needs more than is installed ({error.name} is missing).",
            hint="pip install 'ally-assistant[serve]'",
        ) from error
    if args.directory:
        enter(Path(args.directory))
    server = ChatServer([sys.executable, "-P", "-m", "ally", *_options(args, app.offline)], args.port, say)
    print(server.url, flush=True)
    say(f"Open it in a browser of this machine to work in {Path.cwd()}.")
    say("Whoever has the address can do here what you can. Ctrl-C ends it, and every chat in it.")
    with leaving():
        try:
            asyncio.run(server.run())
        except KeyboardInterrupt:
            say("Ended.")
    return exits.OK


def _options(args: argparse.Namespace, offline: bool) -> Iterator[str]:
    """The options that each chat is started with."""
    if offline:
        yield "--offline"
    for name in _PASSED_ON:
        value = getattr(args, name)
        if value is not None:
            yield f"--{name.replace('_', '-')}={value}"
