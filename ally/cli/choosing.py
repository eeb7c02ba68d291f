"""Which chat: the full screen, or plain lines. Imports next to nothing: it is asked before anything is painted."""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ally.config.settings import Settings

_NO = ("0", "false", "no", "off")


def wants_plain(args: argparse.Namespace, env: Mapping[str, str], settings: "Callable[[], Settings]") -> bool:
    """Whether the chat is one of plain lines; `settings` is called only where nothing else decides.

    The command line, a terminal that can do no more, or none at all; then `ALLY_PLAIN`, then `tui.plain`.
    """
    if args.plain or not can_paint(env):
        return True
    said = env.get("ALLY_PLAIN", "").strip().lower()
    return said not in _NO if said else settings().tui.plain


def can_paint(env: Mapping[str, str]) -> bool:
    """Whether standard input and output are a terminal that can move its cursor, or a browser that draws one."""
    if env.get("TEXTUAL_DRIVER"):
        return True
    is_dumb = env.get("TERM", "" if sys.platform != "win32" else "windows") in ("", "dumb")
    return not is_dumb and sys.stdin.isatty() and sys.stdout.isatty()
