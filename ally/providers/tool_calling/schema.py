"""The JSON Schema that holds an answer to one call of a tool or to words for the user."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ally.messages import JsonObject, ToolSpec

ANSWER = "answer"
"""The key under which a model speaks to the user."""

_KEPT = ("type", "enum", "const", "required", "minItems")
"""What every server can hold an answer to. Limits on values make grammars huge, or are refused; Ally checks them."""
_DEFINITIONS = ("$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")


def answer_schema(tools: Sequence[ToolSpec], *, may_answer: bool) -> JsonObject:
    """One of: a call of one of `tools`, and with `may_answer`, or without tools, words for the user."""
    shared: JsonObject = {}
    forms = [_call(tool, shared) for tool in tools]
    if may_answer or not forms:
        forms.append(_object({ANSWER: {"type": "string"}}))
    schema: JsonObject = forms[0] if len(forms) == 1 else {"anyOf": forms}
    return {**schema, "$defs": shared} if shared else schema


def _call(tool: ToolSpec, shared: JsonObject) -> JsonObject:
    arguments = _bare(tool.parameters, tool.name)
    arguments.setdefault("type", "object")
    arguments.setdefault("properties", {})  # without it, servers take an object of any kind
    for place in _DEFINITIONS:
        for name, node in _mapping(tool.parameters.get(place)).items():
            shared[f"{tool.name}.{name}"] = _bare(_mapping(node), tool.name)
    if not arguments["properties"]:
        arguments["additionalProperties"] = False
    return _object({"name": {"type": "string", "enum": [tool.name]}, "arguments": arguments})


def _object(properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _bare(schema: Mapping[str, Any], tool: str) -> JsonObject:  # Any: JSON values
    """The skeleton of `schema`; its definitions are those of `tool` in the whole."""
    if "$ref" in schema:
        return _reference(str(schema["$ref"]), tool)
    node: JsonObject = {key: schema[key] for key in _KEPT if key in schema}
    if "properties" in schema:
        properties = _mapping(schema["properties"])
        node["properties"] = {key: _bare(_mapping(child), tool) for key, child in properties.items()}
    for key in _LISTS:
        if isinstance(children := schema.get(key), list):
            node[key] = [_bare(_mapping(child), tool) for child in cast("list[object]", children)]
    for key in _SINGLE:
        if isinstance(schema.get(key), bool):
            node[key] = schema[key]
        elif key in schema:
            node[key] = _bare(_mapping(schema[key]), tool)
    return node


def _reference(pointer: str, tool: str) -> JsonObject:
    for place in _DEFINITIONS:
        name = pointer.removeprefix(f"#/{place}/")
        if name != pointer and "/" not in name:
            return {"$ref": f"#/$defs/{tool}.{name}"}
    return {}  # anything: what it points to is not part of the definitions


def _mapping(value: object) -> JsonObject:
    return cast(JsonObject, value) if isinstance(value, dict) else {}
