"""Arguments and answers compared with their JSON Schema."""

import json
from typing import Any

from ally.errors import ToolArguments
from ally.messages import JsonObject
from ally.tools.base import Tool


def check_arguments(tool: Tool, args: JsonObject) -> None:
    """Compare `args` with the tool's schema.

    Raises:
        ToolArguments: they do not fit; the message names the first place that is wrong.
    """
    try:
        problem = _first_problem(args, tool.spec.parameters)
    except UnknownReference as missing:
        text = f"The schema of {tool.spec.name} refers to {missing}, which is not part of it."
        raise ToolArguments(tool.spec.name, text) from missing
    if problem:
        raise ToolArguments(tool.spec.name, f"Wrong arguments for {tool.spec.name}: {problem}.")


def read_form(text: str, schema: JsonObject) -> object:
    """`text` as a JSON value of `schema`.

    Raises:
        ValueError: it is none; the text says where.
        UnknownReference: the schema refers to something that is not part of it.
    """
    try:
        value: object = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if problem := _first_problem(value, schema):
        raise ValueError(problem)
    return value


class UnknownReference(Exception):
    """A `$ref` to something that is not part of the schema; nothing is ever fetched."""


def _first_problem(value: Any, schema: JsonObject) -> str:  # Any: a decoded JSON value
    from jsonschema import Draft202012Validator  # heavy
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # With a registry of its own jsonschema fetches nothing; without one it downloads what a `$ref` names.
    validator = Draft202012Validator(schema, registry=Registry())
    try:
        error = next(validator.iter_errors(value), None)  # pyright: ignore[reportUnknownMemberType] - typed in part only
    except Unresolvable as missing:
        raise UnknownReference(missing.ref) from missing
    if error is None:
        return ""
    place = error.json_path.removeprefix("$").removeprefix(".")
    return f"{place}: {error.message}" if place else error.message
