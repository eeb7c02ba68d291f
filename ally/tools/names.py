"""Names of files as a model and a user may see them, whatever bytes they hold."""

from pathlib import Path

from ally.tools.workspace import Workspace


def shown(name: str) -> str:
    """`name` on one line: control, bidirectional and other invisible characters, and bytes of no UTF-8, escaped."""
    if name.isprintable():
        return name
    return "".join(_escaped(char) for char in name)


def place(path: Path, workspace: Workspace) -> str:
    """`path` as shown: relative to the working folder when it lies there, `.` for that folder itself."""
    inside = path.is_relative_to(workspace.root)
    return shown(path.relative_to(workspace.root).as_posix() if inside else path.as_posix())


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable():
        return "\\\\" if char == "\\" else char
    return char.encode("unicode_escape").decode("ascii")
