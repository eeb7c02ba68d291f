"""Finds what is wrong with a configuration and says it in one sentence, which never repeats a text somebody wrote."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from ally.config.jsonfile import JsonFile, type_name
from ally.config.schema import accepted, describe, known_keys
from ally.config.settings import Settings
from ally.errors import ConfigError
from ally.messages import JsonObject

KeyPath = tuple[str, ...]

_PLACE = re.compile(r" - at (?:`key` in )?`\$((?:\.[\w$]+|\[[\d.]+\])*)`$")
_STEP = re.compile(r"\.([\w$]+)|\[([\d.]+)\]")
_MISSING = re.compile(r"Object missing required field `(\w+)`")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at `keys`, which the sentence names."""

    keys: KeyPath
    sentence: str
    hint: str

    def error(self, source: JsonFile | str) -> ConfigError:
        """The error for it; `source` is the file, variable or flag that the key came from."""
        place, file = (source.place(self.keys), source.path) if isinstance(source, JsonFile) else (source, None)
        return ConfigError(f"{place}: {self.sentence}.", file=file, key=".".join(self.keys), hint=self.hint)


def build(values: JsonObject) -> Settings | Problem:
    """The settings that `values` are, or the first thing that is wrong with them; unknown keys were found before."""
    try:
        return msgspec.convert(values, Settings, strict=True)
    except msgspec.ValidationError as exc:
        return _problem(exc, values)


def unknown(keys: KeyPath) -> Problem:
    """The problem of a key that does not exist, with the one that was probably meant."""
    parent, name = keys[:-1], keys[-1]
    # Somebody may have pasted a key where a name belongs.
    shown = f'"{name}"' if len(name) <= 30 else f'"{name[:8]}…"'
    known = known_keys(parent)
    if _sounds_secret(name):
        hint = _where_keys_belong(parent)
    else:
        hint = _did_you_mean(name, known) or f"known: {', '.join(known) or 'nothing below it'}"
    return Problem(keys, f"unknown key {shown}" + (f" in {'.'.join(parent)}" if parent else ""), hint)


def value_at(values: object, keys: Sequence[str]) -> object:
    """The value at `keys`; None where nothing is set."""
    for key in keys:
        values = cast(JsonObject, values).get(key) if isinstance(values, dict) else None
    return values


def _problem(error: msgspec.ValidationError, values: JsonObject) -> Problem:
    text = str(error)
    place = _PLACE.search(text)
    keys, entry = _locate(text, place.group(1) if place else "", values)
    dotted = ".".join(keys)
    if isinstance(error.__cause__, ValueError):  # from a check in settings.py
        sentence = f"{dotted}.{error.__cause__}".removeprefix(".")
        keys = (*keys, *str(error.__cause__).split(" ", 1)[0].split("."))
        return Problem(keys, sentence, "ally config schema describes every key")
    if missing := _MISSING.match(text):
        keys = (*keys, missing.group(1))
        return Problem(keys, f"{dotted} needs {keys[-1]}", (describe(keys) or {})["description"])
    return _wrong(keys, entry, value_at(values, keys))


def _wrong(keys: KeyPath, entry: int | None, value: object) -> Problem:
    schema = describe(keys) or {}
    dotted = ".".join(keys)
    if entry is not None:
        schema, value = schema["items"], cast(list[object], value)[entry]
        dotted = f"{dotted}: entry {entry + 1}"
    wanted = accepted(schema)
    if "enum" in schema and isinstance(value, str):
        hint = _did_you_mean(value, [word for word in schema["enum"] if word])
        return Problem(keys, f"{dotted} must be {wanted}", hint or f"write {wanted}")
    return Problem(keys, f"{dotted} must be {wanted}, not {type_name(value)}", f"write {wanted}")


def _locate(text: str, path: str, values: JsonObject) -> tuple[KeyPath, int | None]:
    """The keys that msgspec's `path` means, and the number of the entry if it leads into a list."""
    keys: KeyPath = ()
    for name, entry in _STEP.findall(path):
        if entry.isdigit():
            return keys, int(entry)
        keys = (*keys, name or _culprit(text, keys, values))
    return keys, None


def _culprit(text: str, keys: KeyPath, values: JsonObject) -> str:
    """The name that msgspec writes as `[...]`: of the entries at `keys` the one that gives the same message alone."""
    entries = cast(JsonObject, value_at(values, keys))
    for name, entry in entries.items():
        try:
            msgspec.convert(_replaced(values, keys, {name: entry}), Settings, strict=True)
        except msgspec.ValidationError as exc:
            if str(exc) == text:
                return name
    return "..."


def _replaced(values: JsonObject, keys: KeyPath, new: JsonObject) -> JsonObject:
    return {**values, keys[0]: _replaced(values[keys[0]], keys[1:], new)} if keys else new


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    by_plain = {_plain(name): name for name in known}
    found = difflib.get_close_matches(_plain(word), list(by_plain), n=1, cutoff=0.6)
    return f'did you mean "{by_plain[found[0]]}"?' if found else ""


def _sounds_secret(name: str) -> bool:
    plain = _plain(name)
    return plain in ("key", "keys", "token") or any(part in plain for part in ("apikey", "secret", "password"))


def _where_keys_belong(parent: KeyPath) -> str:
    if parent[:1] == ("endpoints",):
        return 'put the key into .env, e.g. LAB_KEY=..., and its variable here: "api_key_env": "LAB_KEY"'
    return "keys do not belong into config.json; put them into .env, e.g. OPENAI_API_KEY=..."


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
