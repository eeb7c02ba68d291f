"""Files that make something run by themselves, or decide what Ally may do: changing one is more than an edit."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ally.permissions.paths import fold_path, is_within, words

_FOLDERS = words(
    ".git git~1 .ally .vscode .idea .fleet .claude .cursor .codex .gemini .windsurf .devcontainer .husky "
    ".githooks .github/workflows .github/actions .circleci .direnv .vim .emacs.d .ipython .jupyter .zsh "
    ".oh-my-zsh .ssh .gnupg .config/autostart .config/systemd .config/fish .config/git .config/nvim "
    ".config/environment.d .config/direnv .config/mise .config/plasma-workspace .config/matplotlib .local/bin "
    ".local/share/systemd .local/share/applications .gradle/init.d library/launchagents library/launchdaemons "
    "app/src/providers/custom"
)
_FILES = words(
    ".bashrc .bash_profile .bash_login .bash_logout .bash_aliases .bash_completion .profile .zshrc .zshenv "
    ".zprofile .zlogin .zlogout .kshrc .mkshrc .cshrc .tcshrc .login .logout .inputrc .xinitrc .xprofile "
    ".xsession .xsessionrc .pam_environment .gitconfig .gitmodules .hgrc .envrc .direnvrc .mise.toml "
    "mise.toml .tool-versions .mcp.json .vimrc .gvimrc .exrc .nvimrc .nvim.lua .vim.lua .emacs .dir-locals.el "
    ".tmux.conf .screenrc .gdbinit .lldbinit .pythonrc .pythonrc.py sitecustomize.py usercustomize.py .pdbrc "
    ".irbrc .pryrc .rprofile .npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs .pre-commit-config.yaml lefthook.yml "
    ".lefthook.yml .curlrc .wgetrc .netrc .ripgreprc .psqlrc .sqliterc .my.cnf .cargo/config "
    ".cargo/config.toml .gitlab-ci.yml .travis.yml azure-pipelines.yml crontab .crontab .gtkrc-2.0"
)
_NAME_PATTERNS = r"[^/]+\.pth|[^/]+\.code-workspace|[^/]+\.desktop|[^/]+\.plist"
_SYSTEM = r"/(private/)?etc|/var/spool/cron|/(usr/)?lib(64)?|/(usr/)?s?bin|/usr/local|/boot|/sys|/proc|/dev"


def _ends(names: Sequence[str]) -> str:
    return "|".join(map(re.escape, names))


# Compiled by their first use, not at every start of the program.
_AUTO_RUN = (
    rf"(.*/)?(?P<folder>{_ends(_FOLDERS)}|start menu/programs/startup)(/.*)?"
    rf"|(.*/)?(?P<file>{_ends(_FILES)}|{_NAME_PATTERNS})"
)
_SYSTEM_FILES = rf"({_SYSTEM})(/.*)?"


def protected_reason(path: Path, root: Path, home: Path, own: Sequence[Path] = ()) -> str:
    """Why changing `path` asks in every mode: `may run by itself: .bashrc`; "" if it is an ordinary file.

    It looks at the text alone, so give it a path with and without its links followed.
    """
    if own_reason(path, own):
        return f"belongs to Ally: {path.name}"
    folded = fold_path(path)
    if found := re.fullmatch(_AUTO_RUN, folded):
        return f"may run by itself: {_shown(path, root, home)}" if found["file"] else _folder_text(found["folder"])
    if re.fullmatch(_SYSTEM_FILES, folded) and not is_within(folded, fold_path(root)):
        return f"part of the system: {path}"
    return ""


def own_reason(path: Path, own: Sequence[Path]) -> str:
    """Why no tool may touch `path`: it is or lies in one of Ally's own folders and files; "" if it does not."""
    folded = fold_path(path)
    is_own = any(is_within(folded, folder) for folder in _folded(tuple(own)))
    return f"{path} belongs to Ally itself, and no tool may touch that" if is_own else ""


def holds_own(path: Path, own: Sequence[Path]) -> bool:
    """Whether removing the folder `path` would remove something of Ally's own."""
    folded = fold_path(path)
    return any(is_within(fold_path(folder), folded) for folder in own)


@lru_cache(maxsize=16)
def _folded(own: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(map(fold_path, own))


def _folder_text(folder: str) -> str:
    return f"what is in {folder} may run by itself"


def _shown(path: Path, root: Path, home: Path) -> str:
    if path.is_relative_to(root):
        return str(path.relative_to(root))
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
