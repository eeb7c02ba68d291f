"""Turns what pydantic says about a configuration into one sentence a user can act on. Values are never repeated."""

import difflib
from collections.abc import Callable, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ally.config.jsonfile import JsonFile, type_name
from ally.config.settings import AGENTS, Endpoint, Permissions, Settings
from ally.errors import ConfigError

AGENT_MAPS = ("provider_per_model", "models", "temperatures", "system_prompts")

Keys = tuple[str, ...]


def known_keys(parent: Sequence[str]) -> list[str]:
    """The keys that are accepted below `parent`; empty where any name is."""
    match tuple(parent):
        case ():
            return [field.alias or name for name, field in Settings.model_fields.items()]
        case ("permissions",):
            return list(Permissions.model_fields)
        case ("endpoints", _):
            return list(Endpoint.model_fields)
        case (name,) if name in AGENT_MAPS:
            return list(AGENTS)
        case _:
            return []


def config_error(
    exc: ValidationError, find_file: Callable[[Keys], JsonFile | str], *, partial: bool
) -> ConfigError | None:
    """The first problem as a ConfigError; None if there is none left.

    `find_file` gives the file, or the name of the variable or flag, that a key came from. `partial` leaves out missing
    keys, which another layer may bring.
    """
    errors = [error for error in exc.errors(include_url=False) if not (partial and error["type"] == "missing")]
    if not errors:
        return None
    # An unknown key is the likeliest cause of the other problems.
    errors.sort(key=lambda error: not _is_unknown_key(error))
    error = errors[0]
    keys = tuple(str(part) for part in error["loc"] if part != "[key]")
    source = find_file(keys)
    sentence, hint = _unknown_key(keys) if _is_unknown_key(error) else _bad_value(error, keys)
    more = f" There {_count(len(errors) - 1)}." if len(errors) > 1 else ""
    if isinstance(source, JsonFile):
        return ConfigError(f"{source.place(keys)}: {sentence}.{more}", file=source.path, key=".".join(keys), hint=hint)
    return ConfigError(f"{source}: {sentence}.{more}", key=".".join(keys), hint=hint)


def nearest(word: str, known: Sequence[str]) -> str:
    """The one of `known` that `word` most likely meant, or ""."""
    by_lower = {name.lower().replace("_", ""): name for name in known}
    found = difflib.get_close_matches(word.lower().replace("_", "").replace("-", ""), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def _is_unknown_key(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",)


def _unknown_key(keys: Keys) -> tuple[str, str]:
    parent, name = keys[:-1], keys[-1]
    place = f" in {'.'.join(parent)}" if parent else ""
    known = known_keys(parent)
    what = "agent" if parent and parent[0] in AGENT_MAPS else "key"
    if what == "key" and _sounds_secret(name):
        return f"unknown key {_shown(name)}{place}", _secret_hint(parent)
    guess = nearest(name, known)
    return (
        f"unknown {what} {_shown(name)}{place}",
        f'did you mean "{guess}"?' if guess else f"known: {', '.join(known)}",
    )


def _sounds_secret(name: str) -> bool:
    lower = name.lower()
    return lower in ("key", "keys", "token") or any(
        part in lower.replace("_", "").replace("-", "") for part in ("apikey", "secret", "password", "apitoken")
    )


def _secret_hint(parent: Keys) -> str:
    if parent[:1] == ("endpoints",):
        return 'put the key into .env, e.g. LAB_KEY=..., and the variable\'s name here: "api_key_env": "LAB_KEY"'
    return "keys do not belong into config.json; put them into .env, e.g. OPENAI_API_KEY=..."


def _shown(name: str) -> str:
    # Somebody may paste a key where a name belongs.
    return f'"{name}"' if len(name) <= 40 else f'"{name[:8]}…"'


def _bad_value(error: ErrorDetails, keys: Keys) -> tuple[str, str]:
    name = ".".join(keys)
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "missing":
        return f"{'.'.join(keys[:-1])} needs {keys[-1]}", 'e.g. "base_url": "http://127.0.0.1:8000/v1"'
    if kind == "value_error":
        return f"{name} {context.get('error')}", "ally config schema lists what is accepted"
    value: object = error["input"]
    accepted = _accepted(kind, keys, str(context.get("expected", "")))
    if kind == "literal_error" and isinstance(value, str):
        guess = nearest(value, _quoted(accepted))
        return f"{name} must be {accepted}", f'did you mean "{guess}"?' if guess else f"write {accepted}"
    given = f"{value}" if isinstance(value, int | float) and not isinstance(value, bool) else type_name(value)
    return f"{name} must be {accepted}, not {given}", f"write {accepted}"


def _quoted(text: str) -> list[str]:
    return text.split('"')[1::2]


def _accepted(kind: str, keys: Keys, expected: str) -> str:
    if keys[0] == "temperatures" and len(keys) == 2:
        return "a number from 0 to 2"
    if keys[-1] == "context_window":
        return "a whole number of tokens"
    return {
        "literal_error": f"one of {expected}".replace("'", '"').replace(" or ", ", "),
        "string_type": "text in double quotes",
        "dict_type": "an object {...}",
        "model_type": "an object {...}",
        "list_type": "a list [...]",
    }.get(kind, "another value")


def _count(number: int) -> str:
    return "is one more problem" if number == 1 else f"are {number} more problems"
