"""Running the tools a model asked for. A failure is a result the model reads, never the end of the turn."""

import json
from collections.abc import Sequence

from ally.errors import ToolArguments, ToolError
from ally.messages import BadToolCall, JsonObject, ToolCall, ToolResult
from ally.tools.base import Run, Tool

INTERRUPTED = "The user interrupted before this tool had finished."


async def run_call(tools: Sequence[Tool], call: ToolCall | BadToolCall) -> ToolResult:
    """What the tool gave back, or why it did not run."""
    if isinstance(call, BadToolCall):
        return _failed(call, call.problem)
    tool = next((tool for tool in tools if tool.spec.name == call.name), None)
    if tool is None:
        names = ", ".join(tool.spec.name for tool in tools) or "none"
        return _failed(call, f"There is no tool {json.dumps(call.name)}. Available: {names}.")
    try:
        check_arguments(tool, call.args)
        output = await tool.run(call.args, Run())
    except ToolError as error:
        return _failed(call, f"{error.message} {error.hint}".strip())
    return ToolResult(call.id, output.for_model, output.for_user, output.is_error, call.name, output.images)


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


def interrupted(call: ToolCall | BadToolCall) -> ToolResult:
    """The result of a call that the user stopped."""
    return ToolResult(call.id, INTERRUPTED, is_error=True, name=call.name)


def _failed(call: ToolCall | BadToolCall, text: str) -> ToolResult:
    return ToolResult(call.id, text, is_error=True, name=call.name)
