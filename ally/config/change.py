"""Changing one setting: which file it belongs into, and what that file is to hold then."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ally.config.edit import set_value
from ally.config.jsonfile import JsonFile, members, parse_object, read_json_file, skip_space
from ally.config.load import Loaded, combine, config_files
from ally.config.paths import Paths
from ally.config.problems import KeyPath
from ally.config.schema import describe
from ally.config.view import as_json, split_key
from ally.errors import ConfigError

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written: the whole content of `file`, and the settings that it gives."""

    key: str
    file: Path
    content: bytes = field(repr=False)
    loaded: Loaded


def plan_change(paths: Paths, checkout: Path | None, env: Mapping[str, str], key: str, text: str) -> Change:
    """How to set `key` to `text`, which is JSON or plain text, in the file that holds it now. Nothing is written.

    A key that no file holds goes into the checkout's config.json, or into the user's where there is no checkout.

    Raises:
        ConfigError: no such key, a value it cannot have, or a file that is broken already.
    """
    places = config_files(paths, checkout)
    files = [found for path in places if (found := read_json_file(path))]
    before = combine(files, {}, {})
    keys = split_key(key, as_json(before.settings))
    target = _target(files, places, before, ".".join(keys))
    old = next((file for file in files if file.path == target), JsonFile(target, "{}\n", {}))
    new_text = set_value(old.text, _spelling(old, keys), _meant(text, keys))
    _refuse_unwritable(new_text, ".".join(keys))
    new = JsonFile(target, new_text, parse_object(target, new_text), is_draft=True)
    by_path = {file.path: file for file in (*files, new)}
    try:
        after = combine([by_path[path] for path in places if path in by_path], env, {})
    except ConfigError as exc:
        message = f"Nothing was changed. {exc.message}"
        raise ConfigError(message, file=exc.file, key=".".join(keys), hint=exc.hint) from None
    return Change(".".join(keys), target, _content(target, new_text), after)


def _meant(text: str, keys: KeyPath) -> object:
    """The value that `text` is: JSON if it can be; but a model may be called `5` or `true`."""
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text
    is_text_wanted = "string" in (describe(keys) or {}).get("type", ())
    return text if is_text_wanted and isinstance(value, int | float) else value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _target(files: list[JsonFile], places: list[Path], before: Loaded, key: str) -> Path:
    origins = {origin for name, origin in before.origins.items() if name == key or name.startswith(key + ".")}
    winners = [file.path for file in files if str(file.path) in origins]
    return winners[-1] if winners else places[-1]


def _spelling(file: JsonFile, keys: KeyPath) -> KeyPath:
    """`keys` as the file writes them: names of providers and endpoints may be in upper case there."""
    if keys[0] not in ("endpoints", "provider_options") or len(keys) < 2:
        return keys
    root = skip_space(file.text, 0)
    outer = next((member for member in members(file.text, root) if member.key == keys[0]), None)
    inner = members(file.text, outer.value_start) if outer else []
    same = next((member.key for member in inner if member.key.strip().lower() == keys[1]), keys[1])
    return (keys[0], same, *keys[2:])


def _refuse_unwritable(text: str, key: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes of the command line that are no UTF-8, or half of a character
        raise ConfigError(
            "Nothing was changed. The value is not valid Unicode.", key=key, hint="type it anew"
        ) from None


def _content(path: Path, text: str) -> bytes:
    """`text` in UTF-8, with a byte order mark if the file has one."""
    try:
        has_mark = path.read_bytes().startswith(_BOM)
    except OSError:
        has_mark = False
    return (_BOM if has_mark else b"") + text.encode()
