"""The strict reading of a tool call's arguments, shared by both roads."""

import json
import math
from typing import Any, NoReturn

from ally.messages import BadToolCall, JsonObject, ToolCall

CUT = "The answer ended before the arguments of this call were complete, so the tool did not run. Send a shorter call."


class _NotStrict(ValueError):
    """Valid for Python's parser, but not one unambiguous JSON value."""


def parse_call(id: str, name: str, raw: str) -> ToolCall | BadToolCall:  # noqa: A002 - the field is called id
    """The call, if `raw` is exactly one JSON object; no text at all counts as `{}`.

    Nothing is repaired: cut text, text after the object, a key that occurs twice, NaN, infinite numbers and halves of
    surrogate pairs make a `BadToolCall` whose `problem` tells the model what to change.
    """
    if not raw.strip():
        return ToolCall(id, name, {})
    try:
        value = _decode(raw)
    except json.JSONDecodeError as error:
        return BadToolCall(id, name, raw, _problem(_where(raw, error)))
    except RecursionError:
        return BadToolCall(id, name, raw, _problem("are nested too deeply"))
    except ValueError as error:
        return BadToolCall(id, name, raw, _problem(str(error)))
    if not isinstance(value, dict):
        return BadToolCall(id, name, raw, _problem(f"are {_kind(value)} instead of an object"))
    args: JsonObject = value  # pyright: ignore[reportUnknownVariableType] - checked: keys of JSON objects are str
    return ToolCall(id, name, args)


def refuse_cut(id: str, name: str, raw: str) -> BadToolCall:  # noqa: A002 - as in parse_call
    """The call of an answer that hit the output limit: never run, even if its text happens to parse."""
    return BadToolCall(id, name, raw, CUT)


def _decode(raw: str) -> object:
    value: object = json.loads(
        raw, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole
    )
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _NotStrict("hold half of a surrogate pair, which is no character") from error
    return value


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:  # Any: JSON values
    found: JsonObject = {}
    for key, value in pairs:
        if key in found:
            raise _NotStrict(f"have the key {json.dumps(key)} twice")
        found[key] = value
    return found


def _refuse_constant(text: str) -> NoReturn:
    raise _NotStrict(f"hold {text}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotStrict(f"hold the number {text[:20]}, which is too large")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise _NotStrict("hold a number of too many digits") from error


def _where(raw: str, error: json.JSONDecodeError) -> str:
    if error.msg == "Extra data":
        return f"have more text after the end of the object: {raw[error.pos : error.pos + 40]!r}"
    if error.pos >= len(raw.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"end in the middle, after {len(raw)} characters"
    return f"are not valid JSON at character {error.pos + 1} ({error.msg}): {raw[error.pos : error.pos + 40]!r}"


def _problem(what: str) -> str:
    return f"The arguments {what}. The tool did not run. Send the call again with exactly one JSON object."


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case _:
            return "an array"
