"""The arguments of a call as a text that a person changes, and back."""

import json
from copy import deepcopy

from ally.errors import UsageError
from ally.messages import BadToolCall, JsonObject, ToolCall
from ally.providers.arguments import parse_call
from ally.terminal.text import clean, visible

_FIELDS = {"shell": "command", "write": "content"}
"""The argument that is edited by itself; the others of these tools stay as they are."""


def field_of(call: ToolCall) -> str:
    """The argument that `as_text` gives; empty where it gives all of them, as JSON.

    A text in which something cannot be seen is edited as JSON, where it stands as an escape.
    """
    name = _FIELDS.get(call.name, "")
    value = call.args.get(name)
    return name if isinstance(value, str) and visible(value) == value else ""


def as_text(call: ToolCall) -> str:
    """The call to be changed: a command line, the content of a file, or its arguments as JSON."""
    if name := field_of(call):
        return str(call.args[name])
    text = json.dumps(call.args, indent=2, ensure_ascii=False)
    return text if visible(text) == text else json.dumps(call.args, indent=2)


def from_text(text: str, call: ToolCall) -> JsonObject:
    """The arguments that `text` makes of those of `call`.

    Raises:
        UsageError: it is no command or no JSON object, or holds something that cannot be seen; nothing is guessed.
    """
    name = field_of(call)
    _check(text, name)
    if name:
        return {**deepcopy(call.args), name: text}
    if not text.strip():
        raise UsageError("There are no arguments left.", hint="Write {} for none.")
    parsed = parse_call(call.id, call.name, text)
    if isinstance(parsed, BadToolCall):
        raise UsageError(parsed.problem.partition(". ")[0] + ".", hint="Write one JSON object.")
    return parsed.args


def _check(text: str, name: str) -> None:
    if name == "command" and not text.strip():
        raise UsageError("There is no command left.", hint="Answer no to run nothing.")
    # The content of a file may hold joiners of emoji; in a command or in JSON they would be agreed to unseen.
    is_seen = clean(text) == text if name == "content" else all(visible(char) == char for char in set(text))
    if not is_seen:
        raise UsageError("The text holds a character that cannot be seen.", hint="Type it anew instead of pasting it.")
