"""Fields of decoded JSON that may hold anything: what is not of the expected type reads as absent."""

import json
from typing import cast

from ally.egress.failures.faults import Faults
from ally.messages import JsonObject


def decode(data: str, faults: Faults) -> JsonObject:
    """The JSON object that `data` is.

    Raises:
        BadReply: it is not one.
    """
    try:
        value: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise faults.bad_reply("sent something that is not JSON") from error
    if not isinstance(value, dict):
        raise faults.bad_reply("sent JSON that is not an object")
    return cast("JsonObject", value)


def obj(holder: JsonObject, name: str) -> JsonObject:
    """The object in field `name`, empty if there is none."""
    value: object = holder.get(name)
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def objs(holder: JsonObject, name: str) -> list[JsonObject]:
    """The objects of the array in field `name`."""
    value: object = holder.get(name)
    if not isinstance(value, list):
        return []
    return [cast("JsonObject", one) for one in cast("list[object]", value) if isinstance(one, dict)]


def text(holder: JsonObject, name: str) -> str:
    """The text in field `name`, empty if there is none."""
    value: object = holder.get(name)
    return value if isinstance(value, str) else ""


def count(holder: JsonObject, name: str) -> int:
    """The token count in field `name`, 0 if there is none."""
    value: object = holder.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def is_counted(holder: JsonObject, name: str) -> bool:
    """Whether field `name` holds a number of tokens, which may be 0."""
    value: object = holder.get(name)
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
