"""Which folders the user trusts: nothing in a folder is believed before that, neither settings nor instructions."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from ally.permissions.private import PrivateFile


class _Folders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int = 1
    folders: dict[str, bool] = {}


class Trust:
    """The user's answers about folders, kept in `path`.

    A folder is known by its real path alone, never by what lies in it. Trust covers the folders inside, unless it was
    given to the home folder or the root of the file system: those hold everything that was ever downloaded.
    """

    def __init__(self, path: Path, home: Path | None = None, notify: Callable[[str], None] = lambda text: None) -> None:
        self._file = PrivateFile(path, _Folders(), notify)
        self._home = os.path.realpath(home or os.path.expanduser("~"))  # noqa: PTH111 - Path's may raise

    def answer(self, folder: Path) -> bool | None:
        """What the user said about `folder`, or about the nearest folder around it; None if nothing."""
        folders = self._file.read().folders
        real = os.path.realpath(folder)
        if real in folders:
            return folders[real]
        around = (str(parent) for parent in Path(real).parents)
        nearest = next((name for name in around if name in folders and not self._holds_everything(name)), None)
        return None if nearest is None else folders[nearest]

    def is_trusted(self, folder: Path) -> bool:
        """Whether the user said so; a file that cannot be believed says no."""
        return self.answer(folder) is True

    def trust(self, folder: Path) -> None:
        """Trust `folder` from now on.

        Raises:
            StorageError: it cannot be kept.
        """
        self._set(folder, is_trusted=True)

    def distrust(self, folder: Path) -> None:
        """Do not trust `folder`, also where one around it is trusted.

        Raises:
            StorageError: it cannot be kept.
        """
        self._set(folder, is_trusted=False)

    def _set(self, folder: Path, *, is_trusted: bool) -> None:
        real = os.path.realpath(folder)
        self._file.update(lambda found: _Folders(folders={**found.folders, real: is_trusted}))

    def _holds_everything(self, folder: str) -> bool:
        return folder == self._home or Path(self._home).is_relative_to(folder)
