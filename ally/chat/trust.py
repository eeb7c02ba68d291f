"""The question whether the files of a folder may speak to the model and set options, in words for every front end."""

from collections.abc import Sequence
from pathlib import Path

from ally.chat.front import Option
from ally.permissions.trust import Trust
from ally.terminal.text import one_line, visible

YES, NO = "yes", "no"
FILES = ("AGENTS.md", "CLAUDE.md", "GEMINI.md", ".ally/config.json")
"""What is not read in a folder that nobody trusts."""


def is_open(trust: Trust, folder: Path) -> bool:
    """Whether to ask: there is something to trust, and the user has not said."""
    return any((folder / name).is_file() for name in FILES) and trust.answer(folder) is None


def trust_question(folder: Path) -> tuple[str, Sequence[Option]]:
    """The question and its answers; the first is the careful one. None of them is a no, for this time."""
    files = ", ".join(name for name in FILES if (folder / name).is_file())
    title = (
        f"Do you trust {files} in {one_line(visible(str(folder)))}? Who wrote that would have a say in what Ally does."
    )
    no = Option(NO, "no", ("Ally works here without",))
    yes = Option(YES, "yes", ("its instructions go to the model, its settings hold",))
    return title, (no, yes)


def keep_answer(trust: Trust, folder: Path, answer: str | None) -> None:
    """Remember what the user answered; None is remembered by nobody."""
    if answer == YES:
        trust.trust(folder)
    elif answer == NO:
        trust.distrust(folder)
