"""Which chat: the full screen, or plain lines. Imports next to nothing: it is asked before anything is painted."""

import argparse
import sys
from collections.abc import Callable, Mapping

_NO = ("0", "false", "no", "off")


def wants_plain(args: argparse.Namespace, env: Mapping[str, str], is_set: Callable[[], bool]) -> bool:
    """Whether the chat is one of plain lines; `is_set`, whether the settings say so, is asked last.

    The command line, a terminal that can do no more, or none at all; then `ALLY_PLAIN`, then `tui.plain`.
    """
    if args.plain or not can_paint(env):
        return True
    said = env.get("ALLY_PLAIN", "").strip().lower()
    return said not in _NO if said else is_set()


def can_paint(env: Mapping[str, str]) -> bool:
    """Whether there is a terminal whose cursor can be moved, or a driver that stands for one."""
    if env.get("TEXTUAL_DRIVER"):
        return True
    is_dumb = env.get("TERM", "windows" if sys.platform == "win32" else "") in ("", "dumb")
    return not is_dumb and sys.stdin.isatty() and sys.stdout.isatty()
