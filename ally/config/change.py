"""Changing one setting: which file it belongs into, and writing it there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ally.config.edit import set_value, write_text
from ally.config.jsonfile import JsonFile, members, parse_object, read_json_file, skip_space
from ally.config.load import Loaded, combine, config_files
from ally.config.paths import Paths
from ally.config.shapes import Keys
from ally.config.view import as_json, split_key
from ally.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Change:
    """What was done: the key, the file it is in now, and the settings after it."""

    key: str
    file: Path
    value: object
    loaded: Loaded


def change_setting(paths: Paths, checkout: Path | None, env: Mapping[str, str], key: str, text: str) -> Change:
    """Set `key` to `text`, which is JSON or plain text, in the file that holds it now.

    A key that no file holds goes into the checkout's config.json, or into the user's where there is no checkout.
    Nothing is written unless the result is valid.

    Raises:
        ConfigError: no such key, a value it cannot have, or a file that is broken already.
        StorageError: the file cannot be written.
    """
    places = config_files(paths, checkout)
    files = [found for path in places if (found := read_json_file(path))]
    before = combine(files, {}, {})
    keys = split_key(key, as_json(before.settings))
    target = _target(files, places, before, ".".join(keys))
    old = next((file for file in files if file.path == target), JsonFile(target, "{}\n", {}))
    failure: ConfigError | None = None
    for value in _readings(text):
        new_text = set_value(old.text, _spelling(old, keys), value)
        new = JsonFile(target, new_text, parse_object(target, new_text), is_draft=True)
        by_path = {file.path: file for file in (*files, new)}
        try:
            after = combine([by_path[path] for path in places if path in by_path], env, {})
        except ConfigError as exc:
            failure = failure or exc
            continue
        write_text(target, new_text)
        return Change(".".join(keys), target, value, after)
    raise _not_set(".".join(keys), failure)


def _readings(text: str) -> list[object]:
    """What `text` may mean, the likelier first: a model may be called `5` or `true`."""
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return [text]
    return [value, text] if isinstance(value, int | float) else [value]


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _target(files: list[JsonFile], places: list[Path], before: Loaded, key: str) -> Path:
    origins = {origin for name, origin in before.origins.items() if name == key or name.startswith(key + ".")}
    winners = [file.path for file in files if str(file.path) in origins]
    return winners[-1] if winners else places[-1]


def _spelling(file: JsonFile, keys: Keys) -> Keys:
    """`keys` as the file writes them: names of providers and endpoints may be in upper case there."""
    if keys[0] not in ("endpoints", "provider_options") or len(keys) < 2:
        return keys
    root = skip_space(file.text, 0)
    outer = next((member for member in members(file.text, root) if member.key == keys[0]), None)
    inner = members(file.text, outer.value_start) if outer else []
    same = next((member.key for member in inner if member.key.strip().lower() == keys[1]), keys[1])
    return (keys[0], same, *keys[2:])


def _not_set(key: str, failure: ConfigError | None) -> ConfigError:
    if failure is None:
        return ConfigError(f"{key} cannot be set.", key=key)
    return ConfigError(f"Nothing was changed. {failure.message}", file=failure.file, key=key, hint=failure.hint)
