"""Small tasks that show whether a model calls tools as it should."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ally.messages import AssistantMessage as Said
from ally.messages import JsonObject, Message, ToolCall, ToolMessage, ToolResult, ToolSpec, user
from ally.providers.check.answers import Answer, ask
from ally.providers.model import Model, Request, TextChunk

MOST_CHARS = 2_000
"""Characters of text after which a probe is over; every task here is done in fewer."""

LONG_LINES = 60
SYSTEM = "You are a careful assistant. Use the tools when they help."
NOTE = "She said \"Grüße\" and C:\\new, then: 'it's 5 °C' 世界"


def _tool(name: str, description: str, properties: JsonObject, required: Sequence[str] | None = None) -> ToolSpec:
    names = list(properties) if required is None else list(required)
    return ToolSpec(name, description, {"type": "object", "properties": properties, "required": names})


def _text(description: str) -> JsonObject:
    return {"type": "string", "description": description}


READ = _tool("read", "Read a text file.", {"path": _text("Path of the file")})
LIST = _tool("list", "List the files in a folder.", {"path": _text("Path of the folder")})
WRITE = _tool("write", "Write a text file.", {"path": _text("Path of the file"), "content": _text("The whole text")})
WEATHER = _tool("get_weather", "Look up the current weather in a city.", {"city": _text("Name of the city")})
MAIL = _tool("send_mail", "Send an e-mail.", {"to": _text("Address"), "text": _text("What to say")})
SUM = _tool("add_numbers", "Add two numbers.", {"a": {"type": "number"}, "b": {"type": "number"}})
TIME = _tool("get_time", "Tell the current date and time.", {})
EVENT = _tool(
    "create_event",
    "Put an event into the calendar.",
    {
        "title": _text("What it is"),
        "date": {
            "type": "object",
            "properties": {"day": {"type": "integer"}, "month": {"type": "integer"}},
            "required": ["day", "month"],
        },
        "guests": {"type": "array", "items": {"type": "string"}, "description": "Names of those who come"},
    },
)
PERSON: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}

Probe = Callable[[Model], Awaitable[str]]
"""Tries one thing with a model; gives what went wrong, "" if nothing did."""


async def single_call(model: Model) -> str:
    """One tool, one call."""
    return _reads(await _ask(model, "Read the file notes.txt.", [READ]), "notes.txt")


async def right_tool(model: Model) -> str:
    """The right one of five tools."""
    answer = await _ask(model, "Which files are in the folder src?", [WEATHER, READ, LIST, MAIL, SUM])
    return _one(answer, LIST, lambda args: "src" in str(args.get("path", "")))


async def nested_arguments(model: Model) -> str:
    """An object and a list in the arguments."""
    question = "Put this into my calendar: Lunch, on 14 May, with the guests Ann and Bob."

    def fits(args: JsonObject) -> bool:
        guests = args.get("guests")
        return args.get("date") == {"day": 14, "month": 5} and isinstance(guests, list) and len(guests) == 2  # pyright: ignore[reportUnknownArgumentType] - JSON

    return _one(await _ask(model, question, [EVENT]), EVENT, fits)


async def no_arguments(model: Model) -> str:
    """A tool that takes nothing."""
    return _one(await _ask(model, "What time is it now?", [TIME]), TIME, lambda args: not args)


async def two_calls(model: Model) -> str:
    """Two calls in one answer."""
    answer = await _ask(model, "Read the files a.txt and b.txt. Ask for both at once.", [READ])
    paths = [str(call.args.get("path", "")) for call in answer.calls if call.name == READ.name]
    if all(any(wanted in path for path in paths) for wanted in ("a.txt", "b.txt")):
        return _leak(answer)
    return _no_call(answer) or f"it called only {_calls(answer)}"


async def wrong_name(model: Model) -> str:
    """Another call after a name that no tool has."""
    call = ToolCall("call_1", "cat_file", {"path": "notes.txt"})
    result = "There is no tool cat_file. Available: read, list."
    history = _history("Read the file notes.txt.", call, result, is_error=True)
    return _reads(await _ask(model, history, [READ, LIST]), "notes.txt")


async def after_an_error(model: Model) -> str:
    """Another call after a tool failed."""
    call = ToolCall("call_1", READ.name, {"path": "note.txt"})
    result = "There is no file note.txt. There is one called notes.txt: read that."
    history = _history("Read the file note.txt.", call, result, is_error=True)
    return _reads(await _ask(model, history, [READ]), "notes.txt")


async def no_call(model: Model) -> str:
    """An answer where no tool helps."""
    answer = await _ask(model, "What is 2+2? Answer with the number only.", [WEATHER, READ])
    if answer.calls or answer.bad_calls:
        return f"it called {_calls(answer)}, though no tool helps"
    return "" if "4" in answer.text or "four" in answer.text.lower() else f"it said {_short(answer.text)}"


async def streamed_call(model: Model) -> str:
    """Text first, then a call, which arrives whole."""
    question = "First say in one short sentence what you will do. Then read the file notes.txt with the tool."
    answer = await _ask(model, question, [READ])
    problem = _reads(answer, "notes.txt")
    kinds = [type(chunk) for chunk in answer.chunks if not isinstance(chunk, TextChunk) or chunk.text.strip()]
    if not problem and TextChunk in kinds and kinds.index(TextChunk) > kinds.index(ToolCall):
        return "the text came after the call"
    return problem


async def structured_output(model: Model) -> str:
    """An answer that is JSON of a schema."""
    request = Request([user("Invent a person with a name and an age.")], json_schema=PERSON, purpose="check")
    answer = await ask(model, request, most_chars=MOST_CHARS)
    if answer.done.stop_reason == "length":
        return "the answer did not end"
    try:
        value: Any = json.loads(answer.text)  # Any: JSON
    except ValueError:
        return f"it said {_short(answer.text)}"
    is_person = isinstance(value, dict) and set(value) == {"name", "age"} and type(value["age"]) is int  # pyright: ignore[reportUnknownArgumentType] - JSON
    return "" if is_person else f"the JSON does not fit: {_short(answer.text)}"


async def follow_up(model: Model) -> str:
    """An answer that uses what a tool gave."""
    call = ToolCall("call_1", READ.name, {"path": "stock.txt"})
    history = _history("How many apples does stock.txt say there are?", call, "pears: 4\napples: 17\nplums: 9")
    answer = await _ask(model, history, [READ])
    if answer.calls or answer.bad_calls:
        return f"it called {_calls(answer)} again"
    return "" if "17" in answer.text or "seventeen" in answer.text.lower() else f"it said {_short(answer.text)}"


async def quotes(model: Model) -> str:
    """Quotes, backslashes and letters of the world in an argument."""
    question = f"Write exactly this line, and nothing else, into the file note.txt:\n{NOTE}"
    answer = await _ask(model, question, [WRITE])
    problem = _one(answer, WRITE, lambda args: "note.txt" in str(args.get("path", "")))
    said = str(answer.calls[0].args.get("content", "")).strip() if answer.calls else ""
    return problem or ("" if said == NOTE else f"it wrote {_short(said)}")


async def long_result(model: Model) -> str:
    """A call that follows from the end of a long result."""
    lines = [f"{number:03d} Nothing of interest stands in this line." for number in range(1, LONG_LINES)]
    text = "\n".join([*lines, "The story goes on in the file part-2.txt."])
    call = ToolCall("call_1", READ.name, {"path": "part-1.txt"})
    history = _history("Read part-1.txt, and then the file that its last line names.", call, text)
    return _reads(await _ask(model, history, [READ]), "part-2.txt")


PROBES: dict[str, Probe] = {
    "single call": single_call,
    "right tool of five": right_tool,
    "nested arguments": nested_arguments,
    "no arguments": no_arguments,
    "two calls at once": two_calls,
    "call after a wrong name": wrong_name,
    "call after an error": after_an_error,
    "answer without a call": no_call,
    "call while streaming": streamed_call,
    "structured output": structured_output,
    "answer after a result": follow_up,
    "quotes and letters": quotes,
    "call after a long result": long_result,
}


async def _ask(model: Model, said: str | Sequence[Message], tools: Sequence[ToolSpec]) -> Answer:
    messages = [user(said)] if isinstance(said, str) else said
    return await ask(model, Request(messages, SYSTEM, tools, purpose="check"), most_chars=MOST_CHARS)


def _history(question: str, call: ToolCall, result: str, *, is_error: bool = False) -> list[Message]:
    results = ToolMessage((ToolResult(call.id, result, is_error=is_error, name=call.name),))
    return [user(question), Said((call,)), results]


def _reads(answer: Answer, path: str) -> str:
    return _one(answer, READ, lambda args: str(args.get("path", "")).endswith(path))


def _one(answer: Answer, tool: ToolSpec, fits: Callable[[JsonObject], bool]) -> str:
    """What is wrong with an answer that should be one call of `tool`."""
    if problem := _no_call(answer):
        return problem
    call = answer.calls[0]
    if len(answer.calls) > 1 or call.name != tool.name or not fits(call.args):
        return f"it called {_calls(answer)}"
    return _leak(answer)


def _no_call(answer: Answer) -> str:
    if answer.bad_calls:
        return f"a call that cannot run: {answer.bad_calls[0].problem}"
    if answer.calls:
        return ""
    if answer.done.stop_reason == "length":
        return "the answer did not end"
    return f"no call; it said {_short(answer.text)}"


def _leak(answer: Answer) -> str:
    """Whether the user would see the call too."""
    name = answer.calls[0].name
    return f"the call stands in the text too: {_short(answer.text)}" if f'"{name}"' in answer.text else ""


def _calls(answer: Answer) -> str:
    calls = [f"{call.name}({json.dumps(call.args, ensure_ascii=False)[:60]})" for call in answer.calls[:3]]
    return ", ".join([*calls, *(f"{bad.name}(?)" for bad in answer.bad_calls[:3])])


def _short(text: str) -> str:
    said = " ".join(text.split())
    return repr(said[:60] + ("…" if len(said) > 60 else "")) if said else "nothing"
