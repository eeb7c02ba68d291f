"""Writes a plug-in to start from."""

import os
import re
from pathlib import Path

from ally.errors import StorageError, UsageError
from ally.providers.discovery.facade import custom_dir

MAX_NAME_CHARACTERS = 40

_TEMPLATE = Path(__file__).with_name("template.txt")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def new_provider(name: str, folder: Path) -> Path:
    """Write the plug-in for a provider called `name` into `folder` and return the file.

    Raises:
        UsageError: `name` cannot be a provider's name, or the file exists.
        StorageError: the file cannot be written.
    """
    name = name.strip().lower()
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME_CHARACTERS:
        raise UsageError(
            f"{name!r} cannot be the name of a provider.",
            hint=f"use a letter first, then letters, digits, - and _; at most {MAX_NAME_CHARACTERS}",
        )
    file = folder / f"{name.replace('-', '_')}.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(filled_in(_TEMPLATE.read_text(encoding="utf-8"), name))
    except FileExistsError:
        if not file.exists():  # then it is the folder's place that is taken
            raise StorageError(folder, f"{folder} cannot be written: it is not a folder", hint="move it away") from None
        raise UsageError(f"{file} exists already.", hint="choose another name, or edit that file") from None
    except OSError as exc:
        raise StorageError(
            file, f"{file} cannot be written: {exc.strerror or exc}", hint="check the permissions of its folder"
        ) from exc
    return file


def filled_in(template: str, name: str) -> str:
    """`template` for a provider called `name`."""
    words = [word.capitalize() for word in re.split(r"[-_]+", name) if word]
    text = template.replace("TemplateProvider", f"{''.join(words)}Provider")
    return (
        text.replace("TEMPLATE", variable_prefix(name)).replace("Template", " ".join(words)).replace("template", name)
    )


def variable_prefix(name: str) -> str:
    """What the environment variables of the provider start with."""
    return re.sub(r"[^A-Z0-9]+", "_", name.upper())


def folder_for_new(checkout: Path | None, user_dir: Path) -> Path:
    """The checkout's plug-in folder if it can be written, else the user's own."""
    if checkout is not None and os.access(custom_dir(checkout), os.W_OK):
        return custom_dir(checkout)
    return user_dir
