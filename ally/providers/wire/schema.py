"""JSON Schemas as the services want them."""

import json
from typing import cast

from ally.messages import JsonObject

_SINGLE = ("items", "not", "if", "then", "else", "additionalProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LIMITS_ON_VALUES = "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern"
_UNSUPPORTED = frozenset(f"{_LIMITS_ON_VALUES} maxItems uniqueItems minProperties maxProperties".split())


def is_closed(schema: object) -> bool:
    """Whether every object in `schema` requires all its properties and allows no others (OpenAI's strict mode)."""
    if not isinstance(schema, dict):
        return True
    node = cast("JsonObject", schema)
    if node.get("type") == "object" or "properties" in node:
        names = set(cast("JsonObject", node.get("properties", {})))
        if node.get("additionalProperties") is not False or set(node.get("required", ())) != names:
            return False
    return all(is_closed(child) for child in _children(node))


def close(schema: JsonObject) -> JsonObject:
    """`schema` as Anthropic's structured output takes it: objects closed, limits on values left out."""
    node: JsonObject = {name: value for name, value in schema.items() if name not in _UNSUPPORTED}
    for name in _SINGLE:
        if isinstance(node.get(name), dict):
            node[name] = close(node[name])
    for name in _LISTS:
        if isinstance(node.get(name), list):
            children = cast("list[object]", node[name])
            node[name] = [close(cast("JsonObject", one)) if isinstance(one, dict) else one for one in children]
    for name in _MAPS:
        if isinstance(node.get(name), dict):
            # Here the keys are names, so a property called "pattern" stays.
            found = cast("dict[str, object]", schema[name])
            node[name] = {
                key: close(cast("JsonObject", one)) if isinstance(one, dict) else one for key, one in found.items()
            }
    if node.get("type") == "object" or "properties" in node:
        node["additionalProperties"] = False
    return node


def in_words(schema: JsonObject) -> str:
    """The request for JSON as text, for services without structured output."""
    text = json.dumps(schema, ensure_ascii=False)
    return f"Answer with exactly one JSON value that fits this JSON Schema, without any other text:\n{text}"


def _children(node: JsonObject) -> list[object]:
    found: list[object] = [node[name] for name in _SINGLE if name in node]
    for name in _LISTS:
        found += cast("list[object]", node.get(name, []))
    for name in _MAPS:
        found += cast("JsonObject", node.get(name, {})).values()
    return found
