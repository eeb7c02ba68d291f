"""The terminal's clipboard, written when the user asks for it and never read."""

import base64
import os
from collections.abc import Mapping
from typing import Any

from textual.app import App

from ally.tui.outer import run_tmux, send

MAX_BYTES = 74_000
"""Terminals drop more than 100,000 characters of base64 without a word."""


def copy(app: App[Any], text: str, env: Mapping[str, str] = os.environ) -> bool:  # Any: whatever it gives
    """Put `text` into the clipboard with OSC 52, through tmux where it runs; False if it is too long or cannot be.

    Whether the terminal allows it is not known: it gives no answer.
    """
    data = text.encode("utf-8", "replace")
    if not data or len(data) > MAX_BYTES:
        return False
    if "TMUX" in env and run_tmux("load-buffer", "-w", "-", given=data.decode()):
        return True
    return send(app, f"\x1b]52;c;{base64.b64encode(data).decode()}\x07")
