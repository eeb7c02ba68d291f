"""The parameters of a tool."""

from typing import cast

from ally.messages import JsonObject


def properties(schema: JsonObject) -> dict[str, JsonObject]:
    """The parameters with their schemas; what is no schema is left out."""
    found = schema.get("properties")
    if not isinstance(found, dict):
        return {}
    return {name: child for name, child in cast("JsonObject", found).items() if isinstance(child, dict)}
