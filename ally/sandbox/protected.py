"""What a command may not write in a folder that it may write to: what somebody else would run or obey.

Such files are the bridge from the sandbox to the user: a hook, a shell start file, an editor's task. They are read-only
where they are, and where they are missing, a stand-in is. Only the repository's data is opened, when `git` is granted.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ally.errors import SandboxRefused
from ally.sandbox.standins import Wanted

EVERYWHERE = (".ally", ".vscode", ".idea", ".envrc", ".mcp.json")
"""Protected in every folder. Stand-ins for them are all folders, also where a file is meant: git does not see those."""

SHELL = (
    *(".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile"),
    *(".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout"),
)
WHERE_THERE = (
    *(".agents", ".claude", ".codex", ".cursor", ".gemini", ".devcontainer", ".direnv", ".githooks", ".husky"),
    *(*SHELL, ".gitconfig"),
)
"""Protected in every folder if they are there. Where they are missing, a shell's files matter only in a home."""

HOME_FOLDERS = ("bin", ".config", ".local", ".ssh", ".vim")
HOME_FILES = (*SHELL, ".gitconfig", ".npmrc", ".vimrc")

REPOSITORY_FOLDERS = ("hooks",)
REPOSITORY_FILES = ("config",)
REPOSITORY_WHERE_THERE = ("config.worktree", "commondir", "modules", "worktrees")
MAX_SUBFOLDERS = 500


@dataclass(slots=True)
class Protection:
    """The parts of one writable folder that stay as they are.

    `read_only` are there; `missing` need a stand-in; `writable` are repositories that must be mounted by themselves so
    that they cannot be moved away; `unwanted` are files that must not have appeared in them afterwards.
    """

    read_only: list[Path] = field(default_factory=list[Path])
    missing: list[Wanted] = field(default_factory=list[Wanted])
    writable: list[Path] = field(default_factory=list[Path])
    unwanted: list[Path] = field(default_factory=list[Path])


def protect(folder: Path, home: Path, *, git: bool, granted: Sequence[Path]) -> Protection:
    """What has to be protected in `folder`; looks, changes nothing. What was granted by itself is left out.

    Raises:
        SandboxRefused: something protected is a symbolic link, which a command could replace.
    """
    found = Protection()
    for name in WHERE_THERE:
        _add(found, folder / name, granted)
    names = [(name, True) for name in EVERYWHERE]
    if folder == home:
        names += [(name, True) for name in HOME_FOLDERS] + [(name, False) for name in HOME_FILES]
        for path in _hidden_entries(folder):
            _add(found, path, granted)
    for name, is_folder in names:
        path = folder / name
        _add(found, path, granted)
        if not os.path.lexists(path) and path not in granted:
            found.missing.append(Wanted(path, is_folder))
    for repository in _repositories(folder):
        _add_repository(found, repository, git=git, granted=granted)
    if not git and not os.path.lexists(folder / ".git"):
        found.missing.append(Wanted(folder / ".git", is_folder=True))
    return found


def protect_repository(folder: Path) -> Protection:
    """How to open the data of the repository that `folder` lies in, if it does not begin there.

    Raises:
        SandboxRefused: its hooks or config are symbolic links.
    """
    found = Protection()
    if outer := enclosing_repository(folder):
        _add_repository(found, outer / ".git", git=True, granted=())
    return found


def enclosing_repository(folder: Path) -> Path | None:
    """The folder above `folder` in which a git repository begins, if its data is there and not a link elsewhere."""
    return next(
        (each for each in folder.parents if (each / ".git").is_dir() and not (each / ".git").is_symlink()), None
    )


def possible_stand_ins(folder: Path) -> list[Path]:
    """Every place in `folder` where a stand-in may be."""
    names = {".git", *EVERYWHERE, *HOME_FOLDERS, *HOME_FILES}
    inside = {f".git/{name}" for name in (*REPOSITORY_FOLDERS, *REPOSITORY_FILES)}
    return [folder / name for name in sorted(names | inside, reverse=True)]


def _add(found: Protection, path: Path, granted: Sequence[Path]) -> None:
    if path in granted or path in found.read_only or not os.path.lexists(path):
        return
    _refuse_link(path)
    found.read_only.append(path)


def _add_repository(found: Protection, path: Path, *, git: bool, granted: Sequence[Path]) -> None:
    if path in granted:
        return
    _refuse_link(path)
    if not git or not path.is_dir():
        found.read_only.append(path)  # a file: the repository is elsewhere, and stays as it is
        return
    found.writable.append(path)
    for name in (*REPOSITORY_FOLDERS, *REPOSITORY_FILES, *REPOSITORY_WHERE_THERE):
        _add(found, path / name, granted)
    for names, is_folder in ((REPOSITORY_FOLDERS, True), (REPOSITORY_FILES, False)):
        found.missing += [Wanted(path / name, is_folder) for name in names if not os.path.lexists(path / name)]
    # git would take hooks and config from where these point, but a stand-in for them would stop it from working.
    unwanted = (path / name for name in ("commondir", "config.worktree"))
    found.unwanted += [each for each in unwanted if not os.path.lexists(each)]


def _repositories(folder: Path) -> Iterator[Path]:
    """`.git` of the folder and of the folders directly in it."""
    if os.path.lexists(folder / ".git"):
        yield folder / ".git"
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= MAX_SUBFOLDERS:
                    return
                inner = Path(entry.path, ".git")
                if entry.name != ".git" and entry.is_dir(follow_symlinks=False) and os.path.lexists(inner):
                    yield inner
    except OSError:
        return


def _hidden_entries(folder: Path) -> list[Path]:
    try:
        names = [name for name in os.listdir(folder) if name.startswith(".")]  # noqa: PTH208 - names are all that is needed
    except OSError:
        return []
    return [folder / name for name in sorted(names) if name != ".git" and not (folder / name).is_symlink()]


def _refuse_link(path: Path) -> None:
    if stat.S_ISLNK(path.lstat().st_mode):
        raise SandboxRefused(
            path,
            f"{path} is a symbolic link, so it cannot be protected from commands; nothing was run.",
            hint=f"replace {path} by what it points to, or work in another folder",
        )
