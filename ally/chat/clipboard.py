"""A picture from the system's clipboard, through the programs that systems have for that."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ally.config.paths import find_paths
from ally.errors import UsageError
from ally.storage.atomic import write_atomic
from ally.tools.pictures import MAX_BYTES, media_type

MAX_AGE_S = 7 * 86_400
"""Pictures taken longer ago are removed with the next one: what was sent is in its session."""

_TIMEOUT_S = 5
_PREFIX = "clipboard-"
_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}
_POWERSHELL = (
    "Add-Type -AssemblyName System.Windows.Forms,System.Drawing;"
    "$p=[Windows.Forms.Clipboard]::GetImage();if($p){$m=New-Object IO.MemoryStream;"
    "$p.Save($m,[Drawing.Imaging.ImageFormat]::Png);[Convert]::ToBase64String($m.ToArray())}"
)
_Run = Callable[[Sequence[str]], bytes]


def folder(env: Mapping[str, str] = os.environ) -> Path:
    """Where pictures from the clipboard are kept until they are sent."""
    return find_paths(env).cache / "pictures"


def is_own(path: Path, env: Mapping[str, str] = os.environ) -> bool:
    """Whether `path` is a picture that was taken from the clipboard: the user's own doing, which needs no question."""
    return path.name.startswith(_PREFIX) and path.parent == folder(env) and not path.is_symlink()


def clipboard_picture(env: Mapping[str, str] = os.environ) -> Path:
    """The picture that is on the clipboard, as a file for this user alone.

    It waits for other programs, up to some seconds.

    Raises:
        UsageError: there is none, it is too large, or no program that knows.
        StorageError: it cannot be kept.
    """
    data = _taken(env)
    kind = media_type(data[:64])
    if not kind:
        raise UsageError("There is no picture on the clipboard.", hint="copy one first, or name its file with @")
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"The picture on the clipboard has {len(data) / 1e6:.1f} MB; models take up to {MAX_BYTES / 1e6:.1f} MB.",
            hint="copy a smaller part",
        )
    place = folder(env)
    _tidy(place)
    file = place / f"{_PREFIX}{hashlib.sha256(data).hexdigest()[:8]}{_ENDINGS[kind]}"
    write_atomic(file, data)
    return file


def _taken(env: Mapping[str, str]) -> bytes:
    def run(command: Sequence[str]) -> bytes:
        try:
            # A limit of time and not of size: the clipboard is the user's own.
            ended = subprocess.run(
                command, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as exc:
            raise UsageError(f"The clipboard did not answer within {_TIMEOUT_S} seconds ({command[0]}).") from exc
        except OSError as exc:
            raise UsageError(f"{command[0]} could not be started: {exc.strerror}.") from exc
        return ended.stdout if ended.returncode == 0 else b""

    def has(name: str) -> bool:
        return shutil.which(name, path=env.get("PATH")) is not None

    if env.get("WAYLAND_DISPLAY") and has("wl-paste"):
        return _offered(run, ["wl-paste", "--list-types"], lambda kind: ["wl-paste", "--no-newline", "--type", kind])
    if env.get("DISPLAY") and has("xclip"):
        ask = ["xclip", "-selection", "clipboard", "-o", "-t"]
        return _offered(run, [*ask, "TARGETS"], lambda kind: [*ask, kind])
    if sys.platform == "darwin":
        return run(["pngpaste", "-"]) if has("pngpaste") else _from_osascript(run)
    if has("powershell.exe"):  # Windows, and Linux within it
        return _from_base64(run(["powershell.exe", "-NoProfile", "-STA", "-Command", _POWERSHELL]))
    raise UsageError(
        "The clipboard cannot be read here: no program for it was found.",
        hint="install wl-clipboard (Wayland) or xclip (X11), or name the file of the picture with @",
    )


def _offered(run: _Run, ask: Sequence[str], take: Callable[[str], Sequence[str]]) -> bytes:
    kinds = run(ask).decode("utf-8", "replace").split()
    return next((run(take(kind)) for kind in _ENDINGS if kind in kinds), b"")


def _from_osascript(run: _Run) -> bytes:
    found = re.search(rb"PNGf([0-9A-Fa-f]+)", run(["osascript", "-e", "get the clipboard as \u00abclass PNGf\u00bb"]))
    return bytes.fromhex(found[1].decode()) if found else b""


def _from_base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.strip())
    except ValueError:
        return b""


def _tidy(place: Path) -> None:
    oldest = time.time() - MAX_AGE_S
    for file in place.glob(f"{_PREFIX}*"):
        try:
            if file.stat().st_mtime < oldest:
                file.unlink()
        except OSError:
            continue
