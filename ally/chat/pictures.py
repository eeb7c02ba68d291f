"""Pictures that go along with a message, found by their paths."""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ally.chat.mentions import written
from ally.terminal.text import one_line
from ally.tools.pictures import MAX_BYTES, measure, media_type

_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_MOST = 20
_HEAD_BYTES = 64


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a file: how a message names it, and what is shown of it, `name.png 800x600`."""

    path: Path
    mention: str
    about: str


def dropped(text: str, root: Path) -> list[Picture]:
    """The pictures whose paths `text` consists of, as terminals write files that are dropped on them.

    Quoted, with escaped blanks, as `file://` URLs, one or several; relative ones are below `root`. Nothing if anything
    else is in the text, or one of them is no picture by its content.
    """
    pictures: list[Picture] = []
    for path in _paths(text.strip(), root):
        picture = look(path, root) if len(pictures) < _MOST else None
        if picture is None:
            return []
        pictures.append(picture)
    return pictures


def look(path: Path, root: Path | None = None) -> Picture | None:
    """What is known of the picture in `path`; None if it is none, or cannot be named in a message."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if not media_type(head):
                return None
            facts = measure(head + file.read(MAX_BYTES - len(head)))
    except (OSError, ValueError):
        return None
    inside = root is not None and path.is_relative_to(root)
    mention = written(str(path.relative_to(root) if root is not None and inside else path))
    size = f" {facts.width}\u00d7{facts.height}" if facts else ""
    return Picture(path, mention, one_line(path.name) + size) if mention else None


def _paths(text: str, root: Path) -> Iterator[Path]:
    """The paths that a text may mean: all of it, else its words as a shell reads them."""
    if not re.search(r"\.(png|jpe?g|gif|webp)\b", text, re.IGNORECASE):
        return
    whole = _path(text, root)
    if "\n" not in text and _is_file(whole):
        yield whole
        return
    for line in text.splitlines():
        if _is_file(whole := _path(line.strip(), root)):
            yield whole
            continue
        try:
            words = shlex.split(line, posix=os.name == "posix")
        except ValueError:
            words = line.split()
        yield from (_path(word.strip("\"'"), root) for word in words)


def _path(text: str, root: Path) -> Path:
    if text.startswith("file://"):
        parts = urlsplit(text)
        text = unquote(parts.path) if parts.netloc in ("", "localhost") else text
        if os.name == "nt":
            text = text.lstrip("/")
    return Path(os.path.normpath(os.path.join(root, os.path.expanduser(text))))  # noqa: PTH111, PTH118 - any text


def _is_file(path: Path) -> bool:
    try:
        return path.suffix.lower() in _ENDINGS and path.is_file()
    except (OSError, ValueError):
        return False
