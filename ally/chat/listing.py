"""Rows for people: settings with their values and where they were set, names with what they mean."""

import json
import os
from collections.abc import Mapping, Sequence

from ally.config.merge import leaves
from ally.config.problems import KeyPath
from ally.config.settings import Settings
from ally.config.view import as_json, masked
from ally.terminal.table import hang, width
from ally.terminal.text import one_line

MAX_VALUE_CHARACTERS = 60


def listed(settings: Settings, origins: Mapping[str, str]) -> list[tuple[KeyPath, object, str]]:
    """(path, value, origin) of every setting; secrets are masked."""
    return [
        (keys, masked(value, keys), origins.get(".".join(keys), "default")) for keys, value in leaves(as_json(settings))
    ]


def shown(value: object) -> str:
    """A value on one line, cut where it is long."""
    text = one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= MAX_VALUE_CHARACTERS else text[: MAX_VALUE_CHARACTERS - 1] + "…"


def explained(rows: Sequence[tuple[str, str]], space: int | None) -> list[str]:
    """Texts beside their names, each with its further lines below its beginning; one for each of `rows`."""
    wide = max((width(name) for name, _ in rows), default=0)
    return [hang(f"{name}{' ' * (wide - width(name))}  ", text, space) for name, text in rows]


def in_home(origin: str) -> str:
    """The path `origin` as people write it: with ~ for their home folder."""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.expanduser raises where there is no home
    return "~" + origin[len(home) :] if len(home) > 1 and origin.startswith(home + os.sep) else origin
