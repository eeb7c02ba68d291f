"""Whether the files of a folder may speak to the model and set options; asked once for each folder."""

import shutil
import sys
from pathlib import Path

from ally.app import App
from ally.cli.terminal import say
from ally.terminal.table import hang
from ally.terminal.text import one_line, visible

_YES = (
    "its instructions (AGENTS.md) go to the model and its settings (.ally/config.json) hold; "
    "who wrote them has a say in what Ally does here."
)
_NO = "Ally works here without them."
_FILES = ("AGENTS.md", "CLAUDE.md", "GEMINI.md", ".ally/config.json")


def ask_trust(app: App, folder: Path) -> None:
    """Ask about `folder` unless the user has said or nobody can answer; no answer is a no, for this time."""
    if app.trust.answer(folder) is not None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    say(f"Do you trust the files in {one_line(visible(str(folder)))}?")
    space = shutil.get_terminal_size().columns
    say(hang("  yes: ", _YES, space))
    say(hang("  no:  ", _NO, space))
    _forget_typed()
    print("Trust it? [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip().lower()
    if answer in ("y", "yes"):
        app.trust.trust(folder)
    elif answer in ("n", "no"):
        app.trust.distrust(folder)


def untrusted_notice(app: App, folder: Path) -> str:
    """What of `folder` is not read because nobody trusted it; "" if there is nothing of the kind."""
    if app.trust.is_trusted(folder):
        return ""
    left_out = [name for name in _FILES if (folder / name).is_file()]
    if not left_out:
        return ""
    return f"{', '.join(left_out)} not read: the folder is not trusted (start `ally` in it once to say so)."


def _forget_typed() -> None:
    """What was typed before the question appeared does not answer it."""
    try:
        import termios  # late: not on every platform
    except ImportError:
        return
    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
