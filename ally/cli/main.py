"""The `ally` command: parse, open the app, hand over to one front end, turn errors into exit codes."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn, cast

from ally.cli import exits
from ally.cli.args import parse
from ally.cli.choosing import wants_plain
from ally.cli.folder import check_folder
from ally.cli.streams import flush, open_streams, output_lost
from ally.cli.subcommands import COMMANDS
from ally.cli.terminal import report, say
from ally.config.glance import may_be_set
from ally.config.paths import config_files, find_checkout, find_paths
from ally.errors import AllyError

if TYPE_CHECKING:
    from ally.app import App

ApiKeys = Mapping[str, str | None]


def main(api_keys: ApiKeys | None = None) -> NoReturn:
    """Run the command with the process's arguments and leave; `api_keys` as in `run`."""
    _leave(run(api_keys=api_keys))


def run(argv: Sequence[str] | None = None, *, api_keys: ApiKeys | None = None) -> int:
    """The exit code of the command line `argv`, by default the process's own.

    `api_keys` is the dictionary of `main.py`, provider name to key; None reads it from the checkout's `main.py` when a
    key is needed.
    """
    if not open_streams():
        say("Error: Standard output is closed.")
        return exits.FAILED
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # until here there was nothing to stop in order
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return _dispatch(args, api_keys)
    except AllyError as error:
        report(error)
        return exits.exit_code(error)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except SystemExit as done:  # -h and --version
        return done.code if isinstance(done.code, int) else exits.OK
    except OSError as error:
        return exits.FAILED if output_lost(error) else exits.OK


def _dispatch(args: argparse.Namespace, api_keys: ApiKeys | None) -> int:
    if args.no_color:
        os.environ["NO_COLOR"] = "1"  # where rich looks
    if not getattr(args, "directory", None):
        check_folder()
    if args.command == "chat" and not args.print:
        return _chat(args, api_keys)
    from ally.cli.meter import Meter  # heavy
    from ally.models.progress import listen  # heavy

    listen(Meter())
    app = _open(args, api_keys)
    name = args.command if args.command in COMMANDS else "oneshot"
    front = cast("Callable[[argparse.Namespace, App], int]", import_module(f"ally.cli.{name}").run)
    return front(args, app)


def _chat(args: argparse.Namespace, api_keys: ApiKeys | None) -> int:
    """The chat: on the whole screen, which takes keys from here on, or in plain lines."""
    if wants_plain(args, os.environ, _may_be_plain):
        app = _open(args, api_keys)
        if wants_plain(args, os.environ, lambda: app.settings.tui.plain):
            from ally.cli import plain  # heavy
            from ally.cli.meter import Meter  # heavy
            from ally.models.progress import listen  # heavy

            listen(Meter())
            return plain.run(args, app)
    from ally.tui.lobby import Lobby  # heavy

    lobby = Lobby().open()
    try:
        from ally.cli import full  # heavy

        return full.run(args, _open(args, api_keys), lobby)
    finally:
        lobby.close()


def _may_be_plain() -> bool:
    """Whether a configuration file may set `tui.plain`; if none can, the settings are read after the paint."""
    return may_be_set("plain", config_files(find_paths(os.environ), find_checkout()))


def _open(args: argparse.Namespace, api_keys: ApiKeys | None) -> "App":
    from ally.app import App  # heavy

    return App.open(os.environ, offline=args.offline, api_keys=api_keys, warn=say)


def _leave(code: int) -> NoReturn:
    """Exit at once: everything is flushed and closed, and tearing down the interpreter would take another 30 ms."""
    if not flush():
        code = code or exits.FAILED
    os._exit(code)
