"""AGENTS.md: what the user and a trusted folder tell every agent."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NAMES = ("AGENTS.md", "CLAUDE.md", "GEMINI.md")
"""The first that a folder has counts; the others are what other programs call it."""

MAX_BYTES = 32_000
_HIDDEN: dict[int, int | None] = dict.fromkeys(
    (
        *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, *range(0xE0000, 0xE0200)),
        *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x180E, 0x2800, 0x3164, 0xFFA0, *range(0xFE00, 0xFE0E)),
    )
)
"""Zero-width, direction and tag characters, and others that are drawn as nothing: orders could hide in them."""
_TEXTS = (".md", ".mdc")
"""What a link may lead to: a name that is read here must not be another name of a secret."""


@dataclass(frozen=True, slots=True)
class Instructions:
    """The text of one file; `notice` says what was wrong with it."""

    path: Path
    text: str
    notice: str = ""


def find(folder: Path, own: Path, is_trusted: Callable[[Path], bool]) -> list[Instructions]:
    """The user's own (in the folder `own`), then the nearest of `folder` and the folders above it.

    Folders that are not trusted are not looked into. The search ends at the top of the repository. The user's own may
    be a link to anywhere, as people keep such files in a repository of theirs; a folder's may not lead out of it.
    """
    found = [_read(own / NAMES[0])]
    for place in (folder, *folder.parents):
        if not is_trusted(place):
            break
        here = _first(place, NAMES)
        if here is not None:
            found.append(here)
            break
        if (place / ".git").exists():
            break
    return [one for one in found if one is not None]


def as_text(found: list[Instructions]) -> str:
    """The part of the system prompt."""
    return "\n\n".join(f"Instructions from {one.path.name}, to be followed:\n{one.text}" for one in found if one.text)


def _first(folder: Path, names: tuple[str, ...]) -> Instructions | None:
    for name in names:
        path = folder / name
        if path.is_symlink() and path.is_file():
            if not path.resolve().is_relative_to(folder.resolve()):
                return Instructions(path, "", f"{path} points out of its folder and is not read.")
            if path.resolve().suffix.lower() not in _TEXTS:
                return Instructions(path, "", f"{path} points to {path.resolve().name} and is not read.")
        if found := _read(path):
            return found
    return None


def _read(path: Path) -> Instructions | None:
    """What the file says; None if there is none, or it is empty."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Instructions(path, "", f"{path} cannot be read: {error.strerror}.")
    text = raw[:MAX_BYTES].decode("utf-8", "replace").strip()
    shown = text.translate(_HIDDEN)
    notice = f"{path} is longer than {MAX_BYTES} bytes; the rest is left out." if len(raw) > MAX_BYTES else ""
    if shown != text:
        notice = f"{path} holds invisible characters; they are left out. {notice}".strip()
    return Instructions(path, shown, notice) if shown else None
