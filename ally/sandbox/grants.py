"""Whether what a command is granted can be granted at all."""

import os
from collections.abc import Sequence
from pathlib import Path

from ally.errors import SandboxRefused
from ally.sandbox.base import Confinement


def check_root(confinement: Confinement) -> None:
    """See that the working folder is there and is its own real path.

    Raises:
        SandboxRefused: it is not.
    """
    root = confinement.root
    if not root.is_dir():
        raise SandboxRefused(root, f"The working folder {root} is not there any more.", hint="start Ally in a folder")
    _refuse_detour(root)


def check_writable(confinement: Confinement, home: Path, own: Sequence[Path]) -> list[Path]:
    """The granted paths.

    Raises:
        SandboxRefused: one is missing, leads elsewhere, contains the home folder, or is Ally's own.
    """
    for path in confinement.writable:
        if not os.path.lexists(path):
            raise SandboxRefused(path, f"{path} does not exist.", hint="ask for the folder that it is to be made in")
        _refuse_detour(path)
        if path in home.parents:
            raise SandboxRefused(path, f"{path} contains the home folder.", hint="ask for a folder inside it")
        if any(path.is_relative_to(folder) or folder.is_relative_to(path) for folder in own if path != home):
            raise SandboxRefused(path, f"{path} holds Ally's own files.", hint="commands never change those")
    return list(confinement.writable)


def is_read_only(confinement: Confinement, home: Path, own: Sequence[Path]) -> bool:
    """Whether the working folder is: asked for, or because it contains the home folder or is one of Ally's own."""
    root = confinement.root
    return confinement.is_read_only or root in home.parents or any(root.is_relative_to(folder) for folder in own)


def _refuse_detour(path: Path) -> None:
    real = Path(os.path.realpath(path))
    if real != path:
        raise SandboxRefused(path, f"{path} leads to {real}.", hint=f"ask for {real} itself")
