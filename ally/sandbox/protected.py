"""What a command may not write in a folder that it may write to: what somebody else would run or obey.

Such files are the bridge from the sandbox to the user: a hook, a shell start file, an editor's task. They are read-only
where they are, and where they are missing, a stand-in is. Only the repository's data is opened, when `git` is granted.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
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
    there = _names(folder)
    folders, files = list(EVERYWHERE), list[str]()
    if folder == home:
        folders, files = [*EVERYWHERE, *HOME_FOLDERS], list(HOME_FILES)
    must = {*WHERE_THERE, *folders, *files}
    for name in sorted(there & must):
        _add(found, folder / name, granted)
    for names, is_folder in ((folders, True), (files, False)):
        found.missing += [Wanted(folder / name, is_folder) for name in names if name not in there]
    if folder == home:
        hidden = (folder / name for name in sorted(there - must) if name.startswith(".") and name != ".git")
        found.read_only += [path for path in hidden if not path.is_symlink() and path not in granted]
    for repository in _repositories(folder, there):
        if repository.parent != folder:
            found.writable.append(repository.parent)  # or it could be moved away, and another put in its place
        _add_repository(found, repository, git=git, granted=granted)
    if not git and ".git" not in there:
        found.missing.append(Wanted(folder / ".git", is_folder=True))
    found.missing = [wanted for wanted in found.missing if wanted.path not in granted]
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


def is_protected(folder: Path) -> bool:
    """Whether a folder is itself one of those that are protected."""
    return folder.name in (*EVERYWHERE, *WHERE_THERE) or ".git" in folder.parts


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


def _names(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - names are all that is needed
    except OSError:
        return set()


def _repositories(folder: Path, names: set[str]) -> list[Path]:
    """`.git` of the folder and of the folders directly in it."""
    inner = [folder / name / ".git" for name in islice(sorted(names - {".git"}), MAX_SUBFOLDERS)]
    found = [path for path in inner if os.path.lexists(path) and not path.parent.is_symlink()]
    return [folder / ".git", *found] if ".git" in names else found


def _refuse_link(path: Path) -> None:
    if stat.S_ISLNK(path.lstat().st_mode):
        raise SandboxRefused(
            path,
            f"{path} is a symbolic link, so it cannot be protected from commands; nothing was run.",
            hint=f"replace {path} by what it points to, or work in another folder",
        )
