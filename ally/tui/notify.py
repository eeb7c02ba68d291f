"""A word through the terminal's own notifications to somebody who looks at another window."""

import os
import threading
from collections.abc import Mapping
from typing import Any

from textual.app import App

from ally.terminal.text import one_line
from ally.tui.outer import passes, send, wrapped

LONG_S = 20.0
"""Who waits longer than this for an answer may have gone elsewhere."""

_MAX_CHARACTERS = 200
_BELL = "\x07"
_OSC_9 = ("iterm.app", "wezterm", "ghostty", "kitty", "conemu")
_OSC_777 = ("rxvt", "foot", "contour")


def tell(app: App[Any], text: str, env: Mapping[str, str] = os.environ) -> None:  # Any: whatever it gives
    """Notify and ring the bell if the terminal is not in front; the caller has asked whether the user wants that."""
    if app.app_focus:
        return
    if "TMUX" in env:  # tmux is asked, which may take a while
        threading.Thread(target=_tell, args=(app, text, env), name="notify", daemon=True).start()
    else:
        _tell(app, text, env)


def _tell(app: App[Any], text: str, env: Mapping[str, str]) -> None:  # Any: as above
    sequence = sequence_for(text, env)
    if sequence and passes(env):
        send(app, wrapped(sequence, env))
    send(app, _BELL)


def sequence_for(text: str, env: Mapping[str, str]) -> str:
    """How this terminal is told to notify; empty where it is not known to be able to."""
    said = one_line(text).replace(";", ",")[:_MAX_CHARACTERS]
    names = " ".join(env.get(name, "") for name in ("TERM_PROGRAM", "LC_TERMINAL", "TERM")).lower()
    if "KITTY_WINDOW_ID" in env or any(name in names for name in _OSC_9) or "iterm2" in names:
        return f"\x1b]9;Ally: {said}\x1b\\"
    if "VTE_VERSION" in env or any(name in names for name in _OSC_777):
        return f"\x1b]777;notify;Ally;{said}\x1b\\"
    return ""
