"""Ways to have a very small model call a tool, each as the request it makes and the call it reads from the answer."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from ally.messages import Message, ToolCall, ToolSpec, assistant, user
from ally.providers.model import Chunk, Request, TextChunk
from ally.providers.tool_calling.render import explain
from ally.providers.tool_calling.schema import answer_schema
from ally.providers.tool_calling.tiny import narrow
from benchmarks.tool_prompts import Args, load

SYSTEM = "You are Ally, an assistant in the user's terminal. Answer directly and briefly."
EXAMPLES = (0, 8, 18, 26, 34, 44, 53, 59, 72, 73)
"""Lines of the tuning set that one method shows the model: one for each tool, and two that want none."""

_WORDS = re.compile(r'\s*\{\s*"answer"')
"""The beginning of an answer in words, which a limit may have cut."""


@dataclass(frozen=True, slots=True)
class Method:
    """`write` makes the request for one prompt. `is_ally`: Ally itself makes of it what the model gets."""

    title: str
    write: Callable[[Sequence[ToolSpec], str], Request]
    is_ally: bool = False


def read_call(tools: Sequence[ToolSpec], chunks: Sequence[Chunk]) -> tuple[tuple[str, Args] | None, bool]:
    """(the call or None, whether it fits the full schema of its tool). Text that is no answer is an invalid call."""
    for chunk in chunks:
        if isinstance(chunk, ToolCall):
            return (chunk.name, chunk.args), _fits(tools, chunk.name, chunk.args)
    text = "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
    if not text.lstrip().startswith("{"):
        return None, False
    try:
        value = json.loads(text)
    except ValueError:
        return (None, False) if _WORDS.match(text) else (("", {}), False)
    if not isinstance(value, dict) or "answer" in value:
        return None, False
    name, args = value.get("name", ""), value.get("arguments", {})
    return (name, args), _fits(tools, name, args)


def _fits(tools: Sequence[ToolSpec], name: str, args: Any) -> bool:
    return any(tool.name == name and Draft202012Validator(tool.parameters).is_valid(args) for tool in tools)


def _native(tools: Sequence[ToolSpec], say: str) -> Request:
    return Request([user(say)], SYSTEM, tools)


def _ask(tools: Sequence[ToolSpec], messages: Sequence[Message], schema: Mapping[str, Any]) -> Request:
    return Request(messages, f"{SYSTEM}\n\n{explain('schema', tools)}", json_schema=dict(schema))


def _plain(tools: Sequence[ToolSpec], say: str) -> Request:
    return _ask(tools, [user(say)], answer_schema(tools, may_answer=True))


def _with_examples(tools: Sequence[ToolSpec], say: str) -> Request:
    shown: list[Message] = []
    for prompt in (load("tuning")[line] for line in EXAMPLES):
        answer: dict[str, Any] = {"answer": "Hello! How can I help you?"}
        if prompt.calls:
            name, args = prompt.calls[0]
            answer = {"name": name, "arguments": args}
        shown += [user(prompt.say), assistant(json.dumps(answer))]
    return _ask(tools, [*shown, user(say)], answer_schema(tools, may_answer=True))


def _routed(tools: Sequence[ToolSpec], say: str) -> Request:
    narrowed = narrow(tools, [user(say)])
    names = {tool.name for tool in narrowed.tools}
    free = [tool for tool in tools if tool.name in names]
    return _ask(tools, [user(say)], answer_schema(free, may_answer=narrowed.may_answer))


METHODS = (
    Method("the service's own tools, auto", _native),
    Method("schema", _plain),
    Method(f"schema, {len(EXAMPLES)} examples in the prompt", _with_examples),
    Method("schema, router", _routed),
    Method("Ally: schema, router, arguments from the request", _native, is_ally=True),
)
