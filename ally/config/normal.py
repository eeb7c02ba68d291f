"""The form in which configurations are compared and merged: provider names in lower case, nothing that is not set."""

from collections.abc import Sequence
from typing import cast

from ally.config.jsonfile import JsonFile
from ally.config.problems import known_keys
from ally.errors import ConfigError
from ally.messages import JsonObject

_PROVIDER_MAPS = ("provider_options", "endpoints")
_PROVIDERS = ("provider", "embedding_provider")


def normal_form(values: JsonObject, file: JsonFile | None = None) -> JsonObject:
    """`values` without what is not set (null, empty text, an empty object) and with provider names in lower case.

    Only known keys are taken out, so that an unknown one is still found; what stands below a provider's own options
    and an MCP server's entry is left as it is.

    Raises:
        ConfigError: two names differ only in case; `file` is for the message.
    """
    result = _without_unset(values, ())
    for name in _PROVIDERS:
        if isinstance(result.get(name), str):
            result[name] = result[name].strip().lower()
    for name in _PROVIDER_MAPS:
        if isinstance(result.get(name), dict):
            result[name] = _lower_keys(result[name], name, file)
    own = result.get("provider_per_model")
    if isinstance(own, dict):
        result["provider_per_model"] = {
            agent: provider.strip().lower() if isinstance(provider, str) else provider
            for agent, provider in cast(JsonObject, own).items()
        }
    return result


def _without_unset(values: JsonObject, parent: Sequence[str]) -> JsonObject:
    known = known_keys(parent)
    result: JsonObject = {}
    for key, value in values.items():
        path = (*parent, key)
        kept: object = value
        if isinstance(value, dict) and (known_keys(path) or path == ("endpoints",)):
            kept = _without_unset(cast(JsonObject, value), path)
        if not (key in known and _is_unset(kept)):
            result[key] = kept
    return result


def _is_unset(value: object) -> bool:
    return value in (None, {}) or (isinstance(value, str) and not value.strip())


def _lower_keys(values: JsonObject, name: str, file: JsonFile | None) -> JsonObject:
    result: JsonObject = {}
    for key, value in values.items():
        lower = key.strip().lower()
        if lower in result:
            place = f"{file.place((name, key))}: " if file else ""
            raise ConfigError(
                f'{place}{name} holds "{lower}" twice; upper and lower case do not matter there.',
                file=file.path if file else None,
                key=f"{name}.{lower}",
                hint="remove one",
            )
        result[lower] = value
    return result
