"""The environment of commands: nothing that is a key, and nothing that changes how programs start."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ally.config.secrets import without_secrets

SHORTEST_SECRET = 8

_DROPPED = re.compile(
    r"(LD|DYLD|BASH_FUNC|SSH|GPG|DBUS|WAYLAND|XDG_SESSION|DOCKER|CONTAINER|SUDO|TMUX|VSCODE|MALLOC|ALLY|LANGSMITH"
    r"|LANGCHAIN|AWS|AZURE)_.*|PERL5.*|LESS.*|TMUX"
    r"|PYTHON(?!UTF8$|IOENCODING$|UNBUFFERED$|HASHSEED$|DONTWRITEBYTECODE$).*"
    r"|GIT_(?!(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE)$).*"
    r"|BASH_ENV|ENV|SHELLOPTS|BASHOPTS|PROMPT_COMMAND|PS[0-4]|IFS|CDPATH|GLOBIGNORE|TERMINFO.*|TERMCAP"
    r"|NODE_OPTIONS|NODE_PATH|RUBYOPT|RUBYLIB|PERLLIB|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS"
    r"|GCONV_PATH|LOCPATH|GLIBC_TUNABLES|EDITOR|VISUAL|BROWSER|.*PAGER|DISPLAY|XAUTHORITY|XDG_RUNTIME_DIR|STY"
    r"|KUBECONFIG|NETRC|TMPDIR|TEMP|TMP|OLDPWD|PWD|SHLVL|_"
)
_HOLDS_PASSWORD = re.compile(r"://[^/@\s:]*:[^/@\s]+@")
_FOR_THE_NETWORK = re.compile(r"(?:PIP|UV)_.*|.*_PROXY", re.IGNORECASE)
_FIXED = {
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "MANPAGER": "cat",
    "EDITOR": ":",
    "GIT_EDITOR": ":",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1",  # the working folder is a mount
    "npm_config_update_notifier": "false",
}


@dataclass(frozen=True, slots=True)
class Parent:
    """The environment that a command's is made from, and further values that must not be in it."""

    env: Mapping[str, str] = field(repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)

    @property
    def home(self) -> Path:
        """The user's home folder."""
        text = self.env.get("HOME", "")
        return Path(os.path.realpath(text if text.startswith("/") else os.path.expanduser("~")))  # noqa: PTH111 - no error without a home


def child_environment(
    parent: Parent, root: Path, *, network: bool = False, temp: str = "", own_programs: bool = False
) -> dict[str, str]:
    """The variables a command gets.

    Keys go by name and by value, also where another variable merely holds one. With `temp`, a private folder, temporary
    files and caches go there, since the home cannot be written to.
    """
    kept = without_secrets(parent.env)
    values = [value for name, value in parent.env.items() if name not in kept and len(value) >= SHORTEST_SECRET]
    values += [value for value in parent.secrets if len(value) >= SHORTEST_SECRET]
    env = {
        name: value
        for name, value in kept.items()
        if not _DROPPED.fullmatch(name)
        and not any(secret in value for secret in values)
        and not (_HOLDS_PASSWORD.search(value) and not (network and _FOR_THE_NETWORK.fullmatch(name)))
    }
    path = search_path(parent.env.get("PATH", ""), root, parent.env.get("VIRTUAL_ENV", "") if own_programs else "")
    env |= _FIXED | {"PATH": path, "HOME": str(parent.home)}
    if temp:
        env |= {
            "TMPDIR": temp,
            "XDG_CACHE_HOME": f"{temp}/.cache",
            "npm_config_cache": f"{temp}/.cache/npm",
            "GOCACHE": f"{temp}/.cache/go-build",
        }
    return env


@lru_cache(maxsize=16)
def search_path(text: str, root: Path, virtual_env: str = "") -> str:
    """`PATH` without relative folders and without those in `root`, where anybody's program may lie.

    Only the programs of `virtual_env` stay, the Python environment that the user activated: else `pytest` in an
    activated environment would be another one than the user's.
    """
    kept = [
        folder
        for folder in text.split(os.pathsep)
        if folder.startswith("/")
        if (virtual_env.startswith("/") and folder == f"{virtual_env}/bin")
        or not any(Path(form).is_relative_to(root) for form in (os.path.realpath(folder), os.path.normpath(folder)))
    ]
    return os.pathsep.join(kept) or "/usr/local/bin:/usr/bin:/bin"
