"""The content of a text file that is about to be changed: read, checked and written as one step."""

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from ally.errors import ToolError
from ally.storage.encoding import Encoding, detect, unwritable
from ally.tools.opening import Spot, kind_of
from ally.tools.workspace import Workspace

MAX_BYTES = 8_000_000
"""Larger files are changed by programs, not by passages."""


@dataclass(frozen=True, slots=True)
class Content:
    """A text file as it is. `name` is its path as the model wrote it."""

    name: str
    data: bytes
    text: str
    encoding: Encoding

    @property
    def digest(self) -> bytes:
        """By which a change is noticed."""
        return hashlib.sha256(self.data).digest()


def load(spot: Spot, name: str) -> Content:
    """The file at `spot`.

    Raises:
        ToolError: it is no text file that can be changed.
        FileNotFoundError: nothing is there.
    """
    found = spot.look()
    if found is not None and not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode):
        raise ToolError(spot.tool, f"{name} is {kind_of(found.st_mode)}, not a file.")
    data = spot.read(MAX_BYTES)
    if len(data) > MAX_BYTES:
        hint = "Change it with a program in the shell."
        raise ToolError(spot.tool, f"{name} is larger than {MAX_BYTES // 1_000_000} MB.", hint=hint)
    encoding = detect(data)
    if encoding is None:
        raise ToolError(spot.tool, f"{name} is no text but binary data.")
    return Content(name, data, encoding.decode(data), encoding)


def store(spot: Spot, workspace: Workspace, name: str, data: bytes) -> None:
    """Write the file and remember what it holds now.

    Raises:
        ToolError: it is write-protected.
        OSError: it cannot be written.
    """
    found = spot.look()
    # Replacing needs no right to the file itself, but who took that right away meant something by it.
    if found is not None and not found.st_mode & 0o222:
        hint = "Ask the user; chmod u+w would allow it."
        raise ToolError(spot.tool, f"{name} is write-protected.", hint=hint)
    spot.replace(data)
    workspace.seen[spot.path] = hashlib.sha256(data).digest()


def check_unchanged(tool: str, workspace: Workspace, path: Path, content: Content) -> None:
    """Refuse a file that somebody changed after it was read or written here.

    Raises:
        ToolError: it has another content than then.
    """
    if workspace.seen.get(path, content.digest) != content.digest:
        raise ToolError(tool, f"{content.name} was changed by somebody since it was read.", hint="Read it again.")


def check_writable(tool: str, content: str, encoding: Encoding, name: str) -> None:
    """Refuse text that the file's encoding cannot hold.

    Raises:
        ToolError: it names the character.
    """
    if problem := unwritable(content, encoding):
        hint = "Write it otherwise, or ask the user whether the file may become UTF-8."
        raise ToolError(tool, f"{name} cannot hold this text: {problem}.", hint=hint)
