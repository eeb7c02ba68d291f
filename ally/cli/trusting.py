"""Whether the files of a folder may speak to the model and set options; asked once for each folder."""

import shutil
import sys
from pathlib import Path

from ally.app import App
from ally.chat.trust import FILES, NO, YES, is_open, keep_answer, trust_question
from ally.cli.terminal import say
from ally.terminal.table import hang


def ask_trust(app: App, folder: Path) -> None:
    """Ask about `folder` if there is something to trust, the user has not said, and somebody can answer.

    No answer is a no, for this time.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty() and is_open(app.trust, folder)):
        return
    title, options = trust_question(folder)
    say(title)
    space, indent = shutil.get_terminal_size().columns, max(len(option.label) for option in options) + 4
    for option in options:
        say(hang(f"  {option.label}:".ljust(indent), f"{', '.join(option.cells)}.", space))
    _forget_typed()
    print("Trust it? [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip().lower()
    keep_answer(app.trust, folder, {"y": YES, "yes": YES, "n": NO, "no": NO}.get(answer))


def untrusted_notice(app: App, folder: Path) -> str:
    """What of `folder` is not read because nobody trusted it; "" if there is nothing of the kind."""
    if app.trust.is_trusted(folder):
        return ""
    left_out = [name for name in FILES if (folder / name).is_file()]
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
