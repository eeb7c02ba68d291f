"""Writing a text in the user's own editor."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ally.errors import UsageError
from ally.terminal.text import one_line

_AT_PLUS = ("vim", "vi", "nvim", "gvim", "view", "nano", "emacs", "emacsclient", "joe", "kak", "mg", "ne", "jed", "nvi")
_AT_COLON = ("subl", "hx", "helix", "zed", "zeditor", "mate", "lapce", "pulsar", "atom")
_AT_LINE = ("kate", "idea", "pycharm")
_AT_GOTO = ("code", "code-insiders", "codium", "vscodium", "cursor", "windsurf")

_KNOWN = ("nano", "vim", "vi", "emacs")
_MAX_BYTES = 20_000_000


def edit(text: str, env: Mapping[str, str] = os.environ) -> str | None:
    """`text` as it comes back from `$VISUAL`, `$EDITOR` or an editor that is there; None if it was not changed.

    The terminal belongs to the editor meanwhile. The text lies in a file for this user alone, which is removed after.

    Raises:
        UsageError: there is no editor, it fails, or what it leaves is no text; the text stays as it is then.
    """
    command = _editor(env)
    with tempfile.TemporaryDirectory(prefix="ally-", ignore_cleanup_errors=True) as folder:
        file = Path(folder, "message.md")
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as opened:
            opened.write(text)
        _run(command, file, env)
        return _changed(file, text)


def look_at(path: Path, line: int, env: Mapping[str, str] = os.environ) -> None:
    """Open the file in the user's editor, at that line where the editor is known. `path` is absolute.

    Raises:
        UsageError: there is no editor, or it fails.
    """
    _start(command_at(path, line, env), env)


def command_at(path: Path, line: int, env: Mapping[str, str]) -> list[str]:
    """The command that opens the user's editor there.

    Raises:
        UsageError: there is no editor.
    """
    command = _editor(env)
    return [*command, *_arguments(Path(command[0]).name.removesuffix(".exe"), line, str(path))]


def _arguments(editor: str, line: int, path: str) -> list[str]:
    if editor in _AT_PLUS:
        return [f"+{line}", path]
    if editor in _AT_COLON:
        return [f"{path}:{line}"]
    if editor in _AT_GOTO:
        return ["--goto", f"{path}:{line}"]
    if editor == "micro":
        return [path, f"+{line}"]
    if editor in _AT_LINE:
        return ["--line", str(line), path]
    return [path]


def _editor(env: Mapping[str, str]) -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        if chosen := env.get(variable, "").strip():
            try:
                command = shlex.split(chosen, posix=os.name == "posix")
            except ValueError:
                command = [chosen]
            if command and shutil.which(command[0], path=env.get("PATH")):
                return command
            raise UsageError(
                f"The editor {one_line(chosen)}, named by {variable}, is not there.", hint=f"set {variable} to another"
            )
    if sys.platform == "win32":
        return ["notepad"]
    for name in _KNOWN:
        if shutil.which(name, path=env.get("PATH")):
            return [name]
    raise UsageError("No editor was found.", hint="set EDITOR to the one you use")


def _run(command: list[str], file: Path, env: Mapping[str, str]) -> None:
    if code := _start([*command, str(file)], env):
        raise UsageError(f"The editor {one_line(command[0])} ended with {code}; the text stays as it was.")


def _start(command: list[str], env: Mapping[str, str]) -> int:
    name = one_line(command[0])
    try:
        return subprocess.run(command, env=dict(env), check=False).returncode
    except OSError as exc:
        raise UsageError(f"The editor {name} could not be started: {exc.strerror}.", hint="set EDITOR") from exc


def _changed(file: Path, before: str) -> str | None:
    try:
        data = file.read_bytes() if file.stat().st_size <= _MAX_BYTES else None
    except OSError as exc:
        raise UsageError(f"The edited text cannot be read: {exc.strerror}.") from exc
    if data is None:
        raise UsageError("The edited text is too large.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UsageError("The edited text is not UTF-8.", hint="save it as UTF-8") from exc
    text = text.replace("\r\n", "\n")
    if text.endswith("\n") and not before.endswith("\n"):  # editors end the last line
        text = text[:-1]
    return None if text == before.replace("\r\n", "\n") else text
