"""A command → the words of a rule that would allow it and its like, and not more."""

import re
import shlex

from ally.permissions.shell.git import subcommand
from ally.permissions.shell.judgement import Command
from ally.permissions.shell.names import names
from ally.permissions.shell.words import Word
from ally.permissions.shell.wrappers import LAUNCHERS, SHELLS

_GENERAL = (
    SHELLS
    | LAUNCHERS
    | names(
        "python python2 python3 node deno bun ruby perl php lua R Rscript ghci irb awk gawk mawk sed find fd ssh scp "
        "sftp rsync curl wget nc ncat netcat socat telnet ftp rm rmdir mv cp dd shred truncate chmod chown chgrp ln "
        "install tee eval source . kill pkill killall docker podman kubectl systemctl crontab at mount umount apt "
        "apt-get dnf yum pacman brew vi vim nvim emacs nano ed ex less more man gdb tar zip unzip mkfs reboot "
        "shutdown npx pnpx bunx uvx pipx xdg-open open"
    )
)
_RUNNERS = frozenset({"npm", "pnpm", "yarn", "cargo", "go", "make", "just", "uv", "poetry", "tox", "dotnet", "gradle"})
_TESTERS = names(
    "pytest ruff mypy pyright black isort flake8 pylint eslint prettier tsc jest vitest mocha rspec phpunit ctest "
    "cmake ninja mkdir touch gcc g++ clang rustc javac"
)
_GIT_NARROW = names("add commit status log diff show branch switch merge stash tag cherry-pick revert mv blame")
"""Without rebase, fetch and pull: an option of theirs names a program to run."""


def rule_text(command: Command) -> str:
    """The narrowest useful rule text: `git commit *`, `pytest *`, `npm run build`; the exact command where its program
    is too general for more; "" when not even that can be written down, as a word is not known."""
    words = [word for word in command.words if word is not None]
    if not words or command.words[0] is None:
        return ""
    name, is_whole = words[0], len(words) == len(command.words)
    if not re.fullmatch(r"[\w.+-]+", name) or name in _GENERAL or re.fullmatch(r"(python|pip|ruby|node)[\d.]+", name):
        return _exact(words) if is_whole else ""
    if name == "git":
        return _git(command, words, is_whole=is_whole)
    if name in _TESTERS:
        return f"{name} *"
    if name in _RUNNERS:
        return _runner(words, is_whole=is_whole)
    return _exact(words) if is_whole else ""


def _git(command: Command, words: list[str], *, is_whole: bool) -> str:
    place, refusal = subcommand([Word(word or "", word) for word in command.words])
    if place == 1 and not refusal and words[1] in _GIT_NARROW:
        return f"git {words[1]} *"
    return _exact(words) if is_whole else ""


def _runner(words: list[str], *, is_whole: bool) -> str:
    """`npm run build`, `cargo test *`: one script or task, not whatever the runner can run."""
    if len(words) >= 2 and re.fullmatch(r"[\w:.-]+", words[1]) and not words[1].startswith("-"):
        if words[0] in ("npm", "pnpm", "yarn") and words[1] == "run":
            return _exact(words) if is_whole else ""
        if words[1] in ("test", "build", "check", "clippy", "fmt", "vet", "lint") and words[0] != "make":
            return f"{words[0]} {words[1]} *"
    return _exact(words) if is_whole else ""


def _exact(words: list[str]) -> str:
    """The words as they would be typed; a star would be read as a wildcard, so then there is nothing."""
    if any(re.search(r"[*\n]", word) for word in words):
        return ""
    return shlex.join(words)
