"""`-d DIR`: the folder to work in."""

import os
import sys
from pathlib import Path

from ally.errors import UsageError


def enter(folder: Path) -> None:
    """Make `folder` the working directory; one that does not exist is created if the user says so.

    Raises:
        UsageError: it is no folder, cannot be entered, or does not exist and nobody can be asked.
    """
    folder = folder.expanduser()
    if not folder.exists():
        if not (sys.stdin.isatty() and _agreed(folder)):
            raise UsageError(f"The folder {folder} does not exist.", hint=f"create it first: mkdir -p {folder}")
        folder.mkdir(parents=True)
    try:
        os.chdir(folder)
    except OSError as error:
        raise UsageError(f"Cannot work in {folder}: {error.strerror}.") from error


def check_folder() -> None:
    """Make sure that the working directory is there.

    Raises:
        UsageError: somebody removed it.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            "The working folder is not there any more.", hint="go to another one, or name it: ally -d FOLDER"
        ) from error


def _agreed(folder: Path) -> bool:
    print(f"The folder {folder} does not exist. Create it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
