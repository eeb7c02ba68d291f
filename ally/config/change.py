"""Changing one setting: which file it belongs into, and what that file is to hold then."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ally.config.edit import remove_value, set_value
from ally.config.jsonfile import JsonFile, members, parse_object, read_json_file, skip_space
from ally.config.load import Loaded, combine, config_files
from ally.config.paths import Paths
from ally.config.problems import KeyPath, value_at
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

    @property
    def set_by(self) -> set[str]:
        """The files and variables that the value of the key comes from then; empty for the default."""
        return _origins(self.loaded, self.key)


@dataclass(frozen=True, slots=True)
class _Files:
    """The files that are read now, the one that wins last, and the settings that they give without variables."""

    env: Mapping[str, str]
    places: list[Path]
    there: list[JsonFile]
    before: Loaded

    @classmethod
    def read(cls, paths: Paths, checkout: Path | None, env: Mapping[str, str]) -> "_Files":
        places = config_files(paths, checkout)
        there = [found for path in places if (found := read_json_file(path))]
        return cls(env, places, there, combine(there, {}, {}))

    def file(self, path: Path) -> JsonFile:
        """The one at `path`; an empty one if there is none."""
        return next((file for file in self.there if file.path == path), JsonFile(path, "{}\n", {}))

    def with_text(self, key: str, path: Path, text: str) -> Change:
        """What holds once `path` has this `text`.

        Raises:
            ConfigError: it is nothing that Ally could read.
        """
        new = JsonFile(path, text, parse_object(path, text), is_draft=True)
        by_path = {file.path: file for file in (*self.there, new)}
        try:
            after = combine([by_path[place] for place in self.places if place in by_path], self.env, {})
        except ConfigError as exc:
            message = f"Nothing was changed. {exc.message}"
            raise ConfigError(message, file=exc.file, key=key, hint=exc.hint) from None
        return Change(key, path, _content(path, text), after)


def plan_change(
    paths: Paths, checkout: Path | None, env: Mapping[str, str], key: str, text: str, *, for_user: bool = False
) -> Change:
    """How to set `key` to `text`, which is JSON or plain text, in the file that holds it now. Nothing is written.

    A key that no file holds goes into the checkout's config.json, or into the user's where there is no checkout or
    `ALLY_HOME` names a place of their own, unless it would have no effect there; `for_user` is as if that were set.

    Raises:
        ConfigError: no such key, a value it cannot have, or a file that is broken already.
    """
    files = _Files.read(paths, checkout, env)
    keys = split_key(key, as_json(files.before.settings))
    dotted, value = ".".join(keys), _meant(text, keys)

    def set_in(path: Path) -> Change:
        old = files.file(path)
        new_text = set_value(old.text, _spelling(old, keys), value)
        _refuse_unwritable(new_text, dotted)
        return files.with_text(dotted, path, new_text)

    holder = _holder(files, dotted)
    if holder is None and (for_user or env.get("ALLY_HOME", "").strip()):
        change = set_in(files.places[0])
        if value is None or change.set_by:  # the checkout may name another provider, which hides a model below it
            return change
    return set_in(holder or files.places[-1])


def plan_removal(paths: Paths, checkout: Path | None, env: Mapping[str, str], key: str) -> Change | None:
    """How to take `key` out of the file whose value of it holds now; None if no file has it. Nothing is written.

    What a file below says, else the default, shows through then.

    Raises:
        ConfigError: no such key, a file that is broken already, or one that cannot do without it.
    """
    files = _Files.read(paths, checkout, env)
    keys = split_key(key, as_json(files.before.settings))
    for old in reversed(files.there):
        spelling = _spelling(old, keys)
        if value_at(old.data, spelling) not in (None, "", {}):
            return files.with_text(".".join(keys), old.path, remove_value(old.text, spelling))
    return None


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


def _holder(files: _Files, key: str) -> Path | None:
    origins = _origins(files.before, key)
    winners = [file.path for file in files.there if str(file.path) in origins]
    return winners[-1] if winners else None


def _origins(loaded: Loaded, key: str) -> set[str]:
    return {origin for name, origin in loaded.origins.items() if name == key or name.startswith(key + ".")}


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
