"""The programs that search lines: ripgrep where it is installed, else our own."""

import json
import os
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from ally.errors import ToolArguments
from ally.tools import line_search
from ally.tools.dialect import is_about_line_ends, to_python

TRIAL_S = 5.0
WIDTH = 1600
"""Characters of a line that an engine prints at most."""
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: `context` lines around a match, at most `most` matches of one file."""

    pattern: str
    ignore_case: bool
    context: int
    most: int


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that takes the words `start` and the files to search."""

    name: str
    start: tuple[str, ...]


def check(pattern: str) -> None:
    """Say what no engine takes.

    Raises:
        ToolArguments: it is empty or spans lines.
    """
    if not pattern or "\0" in pattern or not _is_encodable(pattern):
        raise ToolArguments("grep", "The pattern is empty." if not pattern else "The pattern is no text.")
    if is_about_line_ends(pattern):
        raise ToolArguments("grep", "The pattern spans lines.", hint="One line at a time is searched; use context.")


def choose(query: Query, root: Path) -> Engine:
    """The engine for `query` in the working folder `root`, from where no program is ever taken.

    ripgrep has neither look-around nor back-references; what it does not understand, Python does.

    Raises:
        ToolArguments: no engine understands the pattern.
    """
    program = find_ripgrep(root)
    if program:
        engine = _ripgrep(program, query)
        if _understands(engine):
            return engine
    return _own(query)


def find_ripgrep(root: Path) -> str:
    """ripgrep on `PATH`, but never one that lies in `root`; "" if there is none."""
    for folder in os.get_exec_path():
        path = Path(folder, "rg")
        if not path.is_absolute() or not os.access(path, os.X_OK) or not path.is_file():
            continue
        if not path.is_relative_to(root) and not path.resolve().is_relative_to(root):
            return str(path)
    return ""


def environment() -> dict[str, str]:
    """The variables an engine gets: no keys, and nothing that configures it."""
    return {"LC_ALL": "C.UTF-8"} | {name: os.environ[name] for name in _KEPT if name in os.environ}


def _ripgrep(program: str, query: Query) -> Engine:
    words = [
        *(program, "--no-config", "--no-heading", "--with-filename", "--line-number", "--null", "--color=never"),
        *("--text", "--crlf", "--no-mmap", f"--max-columns={WIDTH}", "--max-columns-preview"),
        *(f"--max-count={query.most}", f"--context={query.context}"),
        *("--ignore-case" if query.ignore_case else "--case-sensitive", "-e", query.pattern, "--"),
    ]
    return Engine("ripgrep", tuple(words))


def _understands(engine: Engine) -> bool:
    quiet = subprocess.DEVNULL
    words = [*engine.start, os.devnull]
    try:
        tried = subprocess.run(
            words, env=environment(), stdin=quiet, stdout=quiet, stderr=quiet, timeout=TRIAL_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode in (0, 1)


def _own(query: Query) -> Engine:
    try:
        pattern = to_python(query.pattern)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (ValueError, re.error, OverflowError, RecursionError) as exc:
        hint = r"Put a backslash before characters meant as they are: \( \[ \* \+ \?"
        raise ToolArguments("grep", f"The pattern is no regular expression: {exc}.", hint=hint) from exc
    facts = {
        "pattern": pattern,
        "ignore_case": query.ignore_case,
        "context": query.context,
        "most": query.most,
        "width": WIDTH,
    }
    script = str(Path(line_search.__file__).resolve())
    return Engine("python", (sys.executable, "-I", "-S", "-X", "utf8", "-W", "ignore", script, json.dumps(facts)))


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
