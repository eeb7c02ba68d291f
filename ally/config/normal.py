"""The form in which configurations are checked and merged: provider names in lower case, nothing that is not set."""

from typing import cast

from ally.config.jsonfile import JsonFile
from ally.config.problems import KeyPath, Problem, build, unknown
from ally.config.schema import describe, known_keys
from ally.messages import JsonObject


def normal_form(values: JsonObject, source: JsonFile | str) -> JsonObject:
    """`values` without what is not set (null, empty text, an empty object) and with provider names in lower case.

    What stands below a provider's own options and an MCP server's entry is left as it is. A missing key is no error,
    for it may come from another layer.

    Raises:
        ConfigError: an unknown key, a wrong value, or names that differ only in case; it names `source`.
    """
    result = _without_unset(values, (), source)
    problem = build(_completed(result))
    if isinstance(problem, Problem):
        raise problem.error(source)
    for name in ("provider", "embedding_provider"):
        if name in result:
            result[name] = _lower(result[name])
    for name in ("provider_options", "endpoints"):
        if name in result:
            result[name] = _lower_keys(result[name], name, source)
    if "provider_per_model" in result:
        own: JsonObject = result["provider_per_model"]
        result["provider_per_model"] = {agent: _lower(provider) for agent, provider in own.items()}
    return result


def _without_unset(values: JsonObject, parent: KeyPath, source: JsonFile | str) -> JsonObject:
    known = known_keys(parent)
    result: JsonObject = {}
    for key, value in values.items():
        keys = (*parent, key)
        if known and key not in known:
            raise unknown(keys).error(source)
        kept: object = value
        if isinstance(value, dict) and (describe(keys) or {}).keys() & {"properties", "additionalProperties"}:
            kept = _without_unset(cast(JsonObject, value), keys, source)
        if not (known and _is_unset(kept)):
            result[key] = kept
    return result


def _completed(values: JsonObject) -> JsonObject:
    """`values` with a stand-in for the one key that is required, since a missing one hides other problems."""
    endpoints = values.get("endpoints")
    if not isinstance(endpoints, dict):
        return values
    whole = {
        name: {"base_url": "http://x", **cast(JsonObject, entry)} if isinstance(entry, dict) else entry
        for name, entry in cast(JsonObject, endpoints).items()
    }
    return {**values, "endpoints": whole}


def _is_unset(value: object) -> bool:
    return value in (None, {}) or (isinstance(value, str) and not value.strip())


def _lower(name: str) -> str:
    return name.strip().lower()


def _lower_keys(values: JsonObject, name: str, source: JsonFile | str) -> JsonObject:
    result: JsonObject = {}
    for key, value in values.items():
        lower = _lower(key)
        if lower in result:
            sentence = f'{name} holds "{lower}" twice; upper and lower case do not matter there'
            raise Problem((name, key), sentence, "remove one").error(source)
        result[lower] = value
    return result
