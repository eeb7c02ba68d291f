"""What an undo did to files, in plain lines."""

import os
from pathlib import Path

from ally.checkpoints import Outcome
from ally.terminal.text import one_line, visible

SHOWN_FILES = 20


def shown(path: Path) -> str:
    """`path` from the working folder on, where it is inside."""
    here = Path.cwd()
    return one_line(visible(str(path.relative_to(here) if path.is_relative_to(here) else path)))


def told(outcome: Outcome) -> list[str]:
    """A line for each file, at most so many, and what the user should know."""
    lines = [f"  {'restored' if os.path.lexists(path) else 'removed '}  {shown(path)}" for path in outcome.restored]
    lines += [f"  merged    {shown(path)} (with what you changed since)" for path in outcome.merged]
    left = len(lines) - SHOWN_FILES
    if left > 0:
        lines[SHOWN_FILES:] = [f"  … and {left} more"]
    lines += [f"  {one_line(notice)}" for notice in outcome.notices]
    return lines + [f"  kept      {shown(path)}: {one_line(why)}" for path, why in outcome.kept]
