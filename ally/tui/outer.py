"""What is said to the terminal itself and not shown on the screen: through tmux and screen, where they let it."""

import os
import subprocess
from collections.abc import Mapping
from typing import Any

from textual.app import App

_TMUX_WITHIN_S = 1.0


def send(app: App[Any], sequence: str) -> bool:  # Any: whatever it gives
    """Write a control sequence of our own making; False where there is no terminal of `app`'s own."""
    driver = app._driver  # pyright: ignore[reportPrivateUsage] - the only way to the terminal that Textual has
    if driver is None or driver.is_headless:
        return False
    driver.write(sequence)
    driver.flush()
    return True


def passes(env: Mapping[str, str] = os.environ) -> bool:
    """Whether what `wrapped` makes reaches the terminal: tmux must be set to pass it on. May wait a second."""
    if "TMUX" not in env:
        return not env.get("TERM", "").startswith("screen")
    return run_tmux("show-options", "-Agv", "allow-passthrough").strip() in ("on", "all")


def wrapped(sequence: str, env: Mapping[str, str] = os.environ) -> str:
    """`sequence` as tmux passes it on; as it is without tmux."""
    if "TMUX" not in env:
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def run_tmux(*words: str, given: str = "") -> str:
    """What tmux answers; empty if it fails or is not there."""
    try:
        done = subprocess.run(
            ["tmux", *words], input=given, capture_output=True, text=True, timeout=_TMUX_WITHIN_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout or " "
