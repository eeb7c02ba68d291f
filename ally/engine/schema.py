"""Arguments compared with the schema of their tool."""

from ally.errors import ToolArguments
from ally.messages import JsonObject
from ally.tools.base import Tool


def check_arguments(tool: Tool, args: JsonObject) -> None:
    """Compare `args` with the tool's schema.

    Raises:
        ToolArguments: they do not fit; the message names the first place that is wrong.
    """
    from jsonschema import Draft202012Validator  # heavy
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # With a registry of its own jsonschema fetches nothing; without one it downloads what a `$ref` names.
    validator = Draft202012Validator(tool.spec.parameters, registry=Registry())
    try:
        error = next(validator.iter_errors(args), None)  # pyright: ignore[reportUnknownMemberType] - typed in part only
    except Unresolvable as missing:
        text = f"The schema of {tool.spec.name} refers to {missing.ref}, which is not part of it."
        raise ToolArguments(tool.spec.name, text) from missing
    if error is not None:
        place = error.json_path.removeprefix("$.") if error.json_path != "$" else "arguments"
        raise ToolArguments(tool.spec.name, f"Wrong arguments for {tool.spec.name}: {place}: {error.message}.")
