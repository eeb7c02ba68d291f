"""Models that say one and the same in each way of calling tools."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ally.messages import (
    AssistantMessage,
    AssistantPart,
    BadToolCall,
    JsonObject,
    Text,
    ToolCall,
    ToolMessage,
    ToolResult,
    ToolSpec,
    user,
)
from ally.providers.model import Chunk, Done, Profile, Request, TextChunk, ThinkingChunk, Usage
from ally.providers.tool_calling import ToolCallingModel, with_tools
from tests.scripted import ScriptedModel

LIST = ToolSpec("list", "List a folder.", {"type": "object", "properties": {"path": {"type": "string"}}})
NOW = ToolSpec("now", "What time it is.", {"type": "object"})
READ = ToolSpec(
    "read",
    "Read a file as numbered lines,\nor look at a picture.",
    {
        "type": "object",
        "properties": {"path": {"type": "string"}, "offset": {"type": "integer", "description": "first line"}},
        "required": ["path"],
        "additionalProperties": False,
    },
)
TOOLS = (READ, LIST, NOW)
ASK = Request([user("What is here?")], system="Be brief.", tools=TOOLS)
USAGE = Usage(30, 4, 20, reports_cache=True, prefill_s=0.5)

WAYS = ("native", "printed", "schema", "text")
"""`printed`: a service that takes tools, whose model prints its calls as text all the same."""

_PROFILES = {
    "native": Profile("scripted", "m", tools=True, constrains=True),
    "printed": Profile("scripted", "m", tools=True, constrains=True),
    "schema": Profile("scripted", "m", tools=False, constrains=True),
    "text": Profile("scripted", "m", tools=False),
}


@dataclass
class Speaker(ScriptedModel):
    """A scripted model with a profile of its own."""

    about: Profile = field(default_factory=lambda: _PROFILES["native"])

    @property
    def profile(self) -> Profile:
        return self.about


@dataclass(frozen=True)
class Heard:
    """What came of one answer."""

    text: str
    thinking: str
    calls: list[ToolCall | BadToolCall]
    done: Done

    @property
    def asked(self) -> list[tuple[str, JsonObject | str]]:
        """Names and arguments of the calls; of a bad one the problem."""
        return [(call.name, call.args if isinstance(call, ToolCall) else call.problem) for call in self.calls]

    @property
    def message(self) -> AssistantMessage:
        """The answer as the engine keeps it."""
        text: tuple[AssistantPart, ...] = (Text(self.text),) if self.text else ()
        return AssistantMessage((*text, *self.calls))


def json_call(name: str, args: JsonObject | str) -> str:
    """A call as JSON; arguments given as a string are put in as they are."""
    raw = args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)
    return f'{{"name": {json.dumps(name)}, "arguments": {raw}}}'


def spell(
    way: str, text: str = "", calls: Sequence[tuple[str, JsonObject | str]] = (), *, stop: str = ""
) -> list[Chunk]:
    """What a model's service sends for `text` and `calls`."""
    done = Done("end", USAGE) if not stop else Done(stop, USAGE)  # type: ignore[arg-type] - a stop reason
    match way:
        case "native":
            given = [
                ToolCall(f"c{place}", name, args) for place, (name, args) in enumerate(calls) if isinstance(args, dict)
            ]
            return [TextChunk(text), *given, replace(done, stop_reason="tool_calls") if given else done]
        case "schema":
            said = "\n".join(json_call(*call) for call in calls) or json.dumps({"answer": text}, ensure_ascii=False)
        case _:
            tags = [f"<tool_call>\n{json_call(*call)}\n</tool_call>" for call in calls]
            said = "\n".join([*([text] if text else []), *tags])
    return [TextChunk(said), done]


def speaker(way: str, *script: Sequence[object]) -> tuple[ToolCallingModel, Speaker]:
    """A model of that way, and the one inside."""
    inner = Speaker([*script], about=_PROFILES[way])
    return with_tools(inner), inner


async def hear(model: ToolCallingModel, request: Request = ASK) -> Heard:
    """The whole answer."""
    return heard([chunk async for chunk in model.stream(request)])


def heard(chunks: Sequence[Chunk]) -> Heard:
    """What the chunks of an answer say; there is one `Done`, at the end."""
    dones = [chunk for chunk in chunks if isinstance(chunk, Done)]
    assert dones == [chunks[-1]]
    calls = [chunk for chunk in chunks if isinstance(chunk, ToolCall | BadToolCall)]
    assert len({call.id for call in calls}) == len(calls)
    return Heard(
        "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk)),
        "".join(chunk.text for chunk in chunks if isinstance(chunk, ThinkingChunk)),
        calls,
        dones[0],
    )


def answered(request: Request, answer: Heard, *results: str | ToolResult) -> Request:
    """The next request after the calls of `answer` gave `results`."""
    given = [
        result if isinstance(result, ToolResult) else ToolResult(call.id, result, name=call.name)
        for call, result in zip(answer.calls, results, strict=True)
    ]
    return replace(request, messages=[*request.messages, answer.message, ToolMessage(tuple(given))])
