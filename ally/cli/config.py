"""`ally config`: what is set, where, and changing it."""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ally.cli.exits import OK
from ally.cli.terminal import say
from ally.config.change import Change, plan_change
from ally.config.load import config_files
from ally.config.merge import leaves
from ally.config.paths import Paths
from ally.config.problems import KeyPath, value_at
from ally.config.schema import json_schema
from ally.config.secrets import env_files
from ally.config.settings import Settings
from ally.config.view import as_json, is_secret, masked, split_key
from ally.storage.atomic import write_atomic
from ally.terminal.text import clean, one_line

MAX_VALUE_CHARACTERS = 60


class Configured(Protocol):
    """What these commands need of the application."""

    @property
    def paths(self) -> Paths:
        """Ally's folders."""
        ...

    @property
    def checkout(self) -> Path | None:
        """The checkout it runs from."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """The environment."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings of this run; raises ConfigError."""
        ...

    @property
    def origins(self) -> Mapping[str, str]:
        """Where each setting comes from."""
        ...


def run(args: argparse.Namespace, app: Configured) -> int:
    """Do what `args.action` says.

    Raises:
        ConfigError: the configuration is broken, or there is no such key.
        StorageError: the file cannot be written.
    """
    match args.action:
        case "get":
            _get(app, args.key, is_json=args.json)
        case "set":
            change_setting(app, args.key, args.value)
        case "path":
            _path(app)
        case "schema":
            print(_dump(json_schema()))
        case _:
            _show(app, is_json=args.json)
    return OK


def _show(app: Configured, *, is_json: bool) -> None:
    """Every setting with where it was set; secrets are masked."""
    rows = listed(app.settings, app.origins)
    if is_json:
        print(_dump({".".join(keys): {"value": value, "origin": origin} for keys, value, origin in rows}))
        return
    texts = [(one_line(".".join(keys)), shown(value), in_home(origin)) for keys, value, origin in rows]
    widths = [max((len(row[column]) for row in texts), default=0) for column in (0, 1)]
    for key, value, origin in texts:
        print(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}".rstrip())


def listed(settings: Settings, origins: Mapping[str, str]) -> list[tuple[KeyPath, object, str]]:
    """(path, value, origin) of every setting; secrets are masked."""
    return [
        (keys, masked(value, keys), origins.get(".".join(keys), "default")) for keys, value in leaves(as_json(settings))
    ]


def _get(app: Configured, key: str, *, is_json: bool) -> None:
    """One setting as it holds now, a text without quotes; secrets inside an object are masked."""
    values = as_json(app.settings)
    keys = split_key(key, values)
    value = value_at(values, keys)
    if not (isinstance(value, str) and is_secret(keys)):  # whoever names the very value wants to see it
        value = masked(value, keys)
    print(clean(value) if isinstance(value, str) and not is_json else _dump(value))


def change_setting(app: Configured, key: str, text: str) -> None:
    """Change one setting, with `text` as JSON or as it is, and say in which file.

    Raises:
        ConfigError: there is no such key, or it cannot have that value; nothing has changed then.
        StorageError: the file cannot be written.
    """
    before = app.settings
    change = plan_change(app.paths, app.checkout, app.env, key, text)
    write_atomic(change.file, change.content)
    say(f"{change.key} is set in {change.file}")
    for variable in _variables_above(change):
        say(f"  {variable} is set too, and wins over the file")
    after = change.loaded.settings
    if change.key == "provider" and after.provider != before.provider and after.model and after.model == before.model:
        say(f"  the model is still {after.model}; set it too, or take the provider's own: ally config set model null")


def _variables_above(change: Change) -> list[str]:
    files = {str(path) for path in change.loaded.files} | {str(change.file)}
    origins = {
        origin for key, origin in change.loaded.origins.items() if key == change.key or key.startswith(change.key + ".")
    }
    return sorted(origins - files)


def _path(app: Configured) -> None:
    """The files that are read, those that win last."""
    for path in (*config_files(app.paths, app.checkout), *reversed(env_files(app.paths, app.checkout))):
        print(clean(str(path)) if path.exists() else f"{clean(str(path))}  (not there)")


def shown(value: object) -> str:
    """A value on one line, cut where it is long."""
    text = one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= MAX_VALUE_CHARACTERS else text[: MAX_VALUE_CHARACTERS - 1] + "…"


def in_home(origin: str) -> str:
    """The path `origin` as people write it: with ~ for their home folder."""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.expanduser raises where there is no home
    return "~" + origin[len(home) :] if len(home) > 1 and origin.startswith(home + os.sep) else origin


def _dump(value: object) -> str:
    return json.dumps(value, indent=2)
