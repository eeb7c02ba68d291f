"""The schema of a tool with only the values that the user spoke of."""

from dataclasses import replace
from typing import Any, cast

from ally.messages import JsonObject, ToolSpec
from ally.providers.tool_calling.tiny.fields import properties
from ally.providers.tool_calling.tiny.recipes import Found

MAX_VALUES = 16
MAX_VALUE_CHARS = 2_000
"""Spoken in about 600 tokens; the starter model may say 1,024."""
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def restrict(tool: ToolSpec, found: Found) -> ToolSpec:
    """`tool` with the parameters that `found` has values for, each one of them, and what else it cannot do without."""
    required = tool.parameters.get("required", ())
    kept: JsonObject = {}
    for name, schema in properties(tool.parameters).items():
        values = usable(found.get(name, ()), schema)
        if values:
            kind = {"type": schema["type"]} if "type" in schema else {}
            kept[name] = {**kind, "enum": values}
        elif name in required:
            kept[name] = schema
    parameters = {name: value for name, value in tool.parameters.items() if name not in ("properties", "required")}
    return replace(tool, parameters={**parameters, "properties": kept, "required": [*kept]})


def usable_values(tool: ToolSpec, found: Found) -> dict[str, list[Any]]:  # Any: JSON values
    """Of what was found, what the parameters of `tool` take."""
    known = properties(tool.parameters)
    return {name: usable(values, known[name]) for name, values in found.items() if name in known}


def count_open(tool: ToolSpec, found: Found) -> int:
    """How many arguments that `tool` needs were not spoken of."""
    known = properties(tool.parameters)
    required = cast("list[str]", tool.parameters.get("required", ()))
    return sum(name in known and not usable(found.get(name, ()), known[name]) for name in required)


def usable(values: "Found | Any", schema: JsonObject) -> list[Any]:  # Any: JSON values
    """The values that fit `schema`, short enough to be spoken."""
    fitting = [_fit(value, schema) for value in values]
    return [value for value in fitting if value is not None][:MAX_VALUES]


def _fit(value: Any, schema: JsonObject) -> Any:  # Any: JSON values
    """`value` without what `schema` does not know, None if it does not fit."""
    wanted = _TYPES.get(str(schema.get("type", "")), object)
    if not isinstance(value, wanted) or (isinstance(value, bool) and schema.get("type") not in ("boolean", None)):
        return None
    if isinstance(value, list):
        items = [_fit(item, schema.get("items", {})) for item in cast("list[Any]", value)]
        return None if None in items else items
    if isinstance(value, dict):
        return _fit_object(cast("JsonObject", value), schema)
    return value if _is_allowed(value, schema) else None


def _is_allowed(value: str | float, schema: JsonObject) -> bool:
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        return len(value) <= MAX_VALUE_CHARS and _is_text(value)
    return schema.get("minimum", value) <= value <= schema.get("maximum", value)


def _fit_object(value: JsonObject, schema: JsonObject) -> JsonObject | None:
    known = properties(schema)
    fitted = {name: _fit(value[name], known[name]) for name in known if name in value}
    fitted = {name: one for name, one in fitted.items() if one is not None}
    return fitted if set(schema.get("required", ())) <= set(fitted) else None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a character, which no request can carry
        return False
    return True
