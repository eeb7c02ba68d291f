"""The JSON Schema of config.json, for editors and for our own messages about a key."""

from collections.abc import Sequence
from functools import cache
from typing import cast

import msgspec

from ally.config.settings import Settings
from ally.messages import JsonObject

_NULL = {"type": "null"}
_KINDS = {"string": "text in double quotes", "boolean": "true or false", "array": "a list of texts [...]"}


@cache
def json_schema() -> JsonObject:
    """The schema in JSON Schema draft 7, which editors understand best; null stands for a key that is left out."""
    (root,), definitions = msgspec.json.schema_components([Settings], ref_template="{name}")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "config.json of Ally",
        **_inline(root, definitions),
        "description": "Made by `ally config schema`.",
    }


def describe(keys: Sequence[str]) -> JsonObject | None:
    """The schema of the value at `keys`; {} below an object that may hold anything, None where nothing can be."""
    here: JsonObject | None = json_schema()
    for key in keys:
        if here is None or "enum" in here or "object" not in here.get("type", "object"):
            return None
        here = here["properties"].get(key) if "properties" in here else here.get("additionalProperties", {})
    return here


def known_keys(parent: Sequence[str]) -> tuple[str, ...]:
    """The keys that are accepted below `parent`; empty where any name is, and where none is."""
    return tuple((describe(parent) or {}).get("properties", ()))


def accepted(schema: JsonObject) -> str:
    """What a value may be, in words."""
    if "enum" in schema:
        return "one of " + ", ".join(f'"{word}"' for word in schema["enum"] if word)
    kinds: str | list[str] = schema.get("type", "")
    match kind := kinds if isinstance(kinds, str) else kinds[0]:
        case "number":
            return f"a number from {schema['minimum']:g} to {schema['maximum']:g}"
        case "integer":
            return f"a whole number, {schema['minimum']} or more"
        case _:
            return _KINDS.get(kind, "an object {...}")


def _inline(schema: JsonObject, definitions: JsonObject) -> JsonObject:
    """`schema` with every reference replaced by what it refers to."""
    result: JsonObject = {**definitions.get(schema.get("$ref", ""), {}), **schema}
    variants = cast(list[JsonObject], result.pop("anyOf", []))  # all are "this or null", or "integer or number"
    for variant in variants:
        if variant != _NULL:
            result |= _inline(variant, definitions)
    for name in ("$ref", "title"):
        result.pop(name, None)
    if "properties" in result:
        required = result.pop("required")
        result["properties"] = {
            key: _inline(value, definitions) if key in required else _or_null(_inline(value, definitions))
            for key, value in result["properties"].items()
        }
        if required:
            result["required"] = required
    elif isinstance(result.get("additionalProperties"), dict):
        result["additionalProperties"] = _inline(result["additionalProperties"], definitions)
    return result


def _or_null(schema: JsonObject) -> JsonObject:
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}
