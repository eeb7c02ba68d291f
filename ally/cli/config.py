"""`ally config`: what is set, where, and changing it."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ally.chat.listing import in_home, listed, shown
from ally.cli.exits import OK
from ally.cli.terminal import say
from ally.config.change import Change, plan_change, plan_removal
from ally.config.load import config_files
from ally.config.paths import Paths
from ally.config.problems import value_at
from ally.config.schema import json_schema
from ally.config.secrets import env_files
from ally.config.settings import Settings
from ally.config.view import as_json, is_secret, masked, split_key
from ally.storage.atomic import write_atomic
from ally.terminal.text import clean, one_line


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
        case "unset":
            _unset(app, args.key)
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


def _unset(app: Configured, key: str) -> None:
    """Take one setting out of the file that sets it, and say what holds then."""
    change = plan_removal(app.paths, app.checkout, app.env, key)
    if change is None:
        say(f"No file sets {one_line(key)}.")
    else:
        write_atomic(change.file, change.content)
        say(f"{change.key} is no longer set in {change.file}")
        for origin in sorted(change.set_by):
            say(f"  it is set by {in_home(origin)} now")


def _variables_above(change: Change) -> list[str]:
    return sorted(change.set_by - {str(path) for path in change.loaded.files} - {str(change.file)})


def _path(app: Configured) -> None:
    """The files that are read, those that win last."""
    for path in (*config_files(app.paths, app.checkout), *reversed(env_files(app.paths, app.checkout))):
        print(clean(str(path)) if path.exists() else f"{clean(str(path))}  (not there)")


def _dump(value: object) -> str:
    return json.dumps(value, indent=2)
