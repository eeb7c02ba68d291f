"""The settings as plain JSON for people: all keys or one, secrets masked."""

import re
from collections.abc import Sequence
from typing import cast

import msgspec

from ally.config.problems import KeyPath, unknown, value_at
from ally.config.schema import describe
from ally.config.settings import Settings
from ally.errors import ConfigError
from ally.messages import JsonObject

MASK = "•••"

_SECRET = re.compile(r"(?i).*(key|token|secret|password|passwd|authorization|cookie|credential).*")
_NOT_SECRET = re.compile(r"(?i)(api_key_env|.*max_?tokens|.*num_?tokens|.*tokens?_?(limit|count|budget)|keep_alive)")
_URL_LOGIN = re.compile(r"(https?://)[^/@\s]+@")


def as_json(settings: Settings) -> JsonObject:
    """Every key of config.json with its effective value."""
    return cast(JsonObject, msgspec.to_builtins(settings))


def split_key(text: str, values: JsonObject) -> KeyPath:
    """The path that the dotted key `text` means; names in `values` may hold dots themselves.

    Raises:
        ConfigError: there is no such key.
    """
    parts = [part.strip() for part in text.split(".")]
    if not all(parts):
        raise ConfigError(f'"{text}" is not a key.', key=text, hint="write it like provider or models.general")
    keys: KeyPath = ()
    while parts:
        here = value_at(values, keys)
        length = _longest_name(parts, here)
        name = ".".join(parts[:length])
        if keys in (("provider_options",), ("endpoints",)):
            name = name.lower()  # as in the file, where upper and lower case do not matter
        keys, parts = (*keys, name), parts[length:]
        if describe(keys) is None:
            problem = unknown(keys)
            raise ConfigError(f"U{problem.sentence[1:]}.", key=".".join(keys), hint=problem.hint)
    return keys


def masked(values: object, keys: KeyPath = ()) -> object:
    """`values`, which stand at `keys`, with the text of headers and of what sounds like a key replaced."""
    if isinstance(values, dict):
        return {name: masked(value, (*keys, name)) for name, value in cast(JsonObject, values).items()}
    if isinstance(values, list | tuple):
        return [masked(value, keys) for value in cast(Sequence[object], values)]
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


def _longest_name(parts: Sequence[str], here: object) -> int:
    if isinstance(here, dict):
        for length in range(len(parts), 1, -1):
            if ".".join(parts[:length]) in here:
                return length
    return 1
