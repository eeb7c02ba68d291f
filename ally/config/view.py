"""The settings as plain JSON for people: all keys or one, secrets masked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from ally.config.problems import known_keys, shape_at
from ally.config.settings import SHAPE, Settings
from ally.config.shapes import AnyObject, Keys, Map, Record, unknown
from ally.errors import ConfigError
from ally.messages import JsonObject

MASK = "•••"

_SECRET = re.compile(r"(?i).*(key|token|secret|password|passwd|authorization|cookie|credential).*")
_NOT_SECRET = re.compile(r"(?i)(api_key_env|.*max_?tokens|.*num_?tokens|.*tokens?_?(limit|count|budget)|keep_alive)")
_URL_LOGIN = re.compile(r"(https?://)[^/@\s]+@")


def as_json(settings: Settings) -> JsonObject:
    """Every key of config.json with its effective value."""
    return _record(SHAPE, settings)


def split_key(text: str, values: JsonObject) -> Keys:
    """The path that the dotted key `text` means; names in `values` may hold dots themselves.

    Raises:
        ConfigError: there is no such key.
    """
    parts = [part.strip() for part in text.split(".")]
    if not all(parts):
        raise ConfigError(f'"{text}" is not a key.', key=text, hint="write it like provider or models.general")
    keys: Keys = ()
    while parts:
        here = value_at(values, keys)
        length = _longest_name(parts, here)
        name = ".".join(parts[:length])
        if keys in (("provider_options",), ("endpoints",)):
            name = name.lower()  # as in the file, where upper and lower case do not matter
        _check_known(keys, name)
        keys, parts = (*keys, name), parts[length:]
    return keys


def value_at(values: JsonObject, keys: Sequence[str]) -> object:
    """The value at `keys`; None where nothing is set."""
    here: object = values
    for key in keys:
        here = _member(here, key)
    return here


def leaves(values: JsonObject, keys: Keys = ()) -> Iterator[tuple[Keys, object]]:
    """(path, value) of everything that is not an object with something in it."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(cast(JsonObject, value), (*keys, key))
        else:
            yield (*keys, key), value


def masked(values: object, keys: Keys = ()) -> object:
    """`values`, which stand at `keys`, with the text of headers and of what sounds like a key replaced."""
    if isinstance(values, dict):
        return {name: masked(value, (*keys, name)) for name, value in cast(JsonObject, values).items()}
    if isinstance(values, list):
        return [masked(value, keys) for value in cast(list[object], values)]
    if not isinstance(values, str) or not values:
        return values
    return MASK if is_secret(keys) else _URL_LOGIN.sub(rf"\1{MASK}@", values)


def is_secret(keys: Sequence[str]) -> bool:
    """Whether a text at `keys` may be secret: a header, an MCP server's environment, or an option named like a key."""
    if not keys or keys[0] not in ("endpoints", "provider_options", "mcp_servers"):
        return False
    if any("headers" in key.lower() or key == "env" for key in keys[2:-1]):
        return True
    return bool(_SECRET.fullmatch(keys[-1])) and not _NOT_SECRET.fullmatch(keys[-1])


def _member(value: object, key: str) -> object:
    return cast(JsonObject, value).get(key) if isinstance(value, dict) else None


def _record(record: Record, value: object) -> JsonObject:
    return {name: _plain(getattr(value, entry.attribute)) for name, entry in record.entries.items()}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in cast(Mapping[str, object], value).items()}
    if isinstance(value, tuple):
        return list(cast(tuple[object, ...], value))
    if hasattr(value, "__dataclass_fields__"):
        return _record(Record(type(value)), value)
    return value


def _longest_name(parts: Sequence[str], here: object) -> int:
    if isinstance(here, dict):
        for length in range(len(parts), 1, -1):
            if ".".join(parts[:length]) in here:
                return length
    return 1


def _check_known(parent: Keys, name: str) -> None:
    match shape_at(parent):
        case None | AnyObject() | Map(names=()):
            return
        case _:
            known = known_keys(parent)
    if name not in known:
        problem = unknown((*parent, name), known)
        raise ConfigError(f"U{problem.sentence[1:]}.", key=".".join((*parent, name)), hint=problem.hint)
