"""The single checks. Each gets the model and what earlier checks learned, and says what it found."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from ally.errors import BadRequest
from ally.messages import JsonObject, ToolMessage, ToolResult, user
from ally.providers.check.answers import Answer, ask
from ally.providers.model import Model, Request, TextChunk, ThinkingChunk, ToolSpec

Verdict = Literal["pass", "fail", "not supported"]
WEATHER = ToolSpec(
    "get_weather",
    "Look up the current weather in a city.",
    {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Name of the city"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
PERSON: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
SIGNS = ("Grüße", "世界", "🌍", "שלום")
MAX_CANCEL_S = 0.3
SHORT = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found."""

    verdict: Verdict
    reason: str = ""


@dataclass(slots=True)
class Known:
    """What earlier checks learned."""

    answer: Answer | None = None
    question: Request | None = None
    """The request that made the model call the tool, with its answer in `calling`."""
    calling: Answer | None = None
    no_tools: Finding = Finding("not supported", "not tried: the tool call failed")


Check = Callable[[Model, Known], Awaitable[Finding]]


def passed(reason: str = "") -> Finding:
    """The contract holds."""
    return Finding("pass", reason)


def failed(reason: str) -> Finding:
    """The contract is broken."""
    return Finding("fail", reason)


def not_supported(reason: str) -> Finding:
    """The service does not offer it, or the model is too weak to show it."""
    return Finding("not supported", reason)


async def invoke(model: Model, known: Known) -> Finding:
    """A whole answer."""
    known.answer = await ask(model, Request([user("Reply with one word: ready")], purpose="check"))
    text = " ".join(known.answer.text.split())
    if known.answer.calls or known.answer.bad_calls:
        return failed("the answer holds a tool call, but no tool was offered")
    return passed(f"{text[:40]!r}") if text else failed("the answer holds no text")


async def stream(model: Model, known: Known) -> Finding:
    """An answer in pieces."""
    began = time.perf_counter()
    answer = await ask(model, Request([user("Count from 1 to 20, separated by commas.")], purpose="check"))
    if answer.pieces > 1:
        seconds = time.perf_counter() - began
        return passed(f"{answer.pieces} pieces in {seconds:.1f} s, the first after {answer.first_s:.2f} s")
    if not model.profile.streaming:
        return not_supported("this provider gives whole answers")
    if len(answer.text) < SHORT:
        return not_supported(f"the answer is too short to tell: {answer.text!r}")
    return failed(f"{len(answer.text)} characters came in one piece")


async def usage(model: Model, known: Known) -> Finding:
    """Token counts."""
    if known.answer is None:
        return not_supported("not tried: there was no answer")
    counts = known.answer.done.usage
    if counts is None:
        return not_supported("the service reported none")
    text = f"{counts.input_tokens} in, {counts.output_tokens} out, {counts.cached_input_tokens} cached"
    if counts.input_tokens <= 0 or counts.output_tokens <= 0 or counts.cached_input_tokens > counts.input_tokens:
        return failed(f"impossible counts: {text}")
    return passed(text)


async def stop_reason(model: Model, known: Known) -> Finding:
    """Why the answer ended."""
    if known.answer is None:
        return not_supported("not tried: there was no answer")
    reason = known.answer.done.stop_reason
    if reason in ("tool_calls", "refused"):
        return failed(f"{reason!r} for a plain answer")
    return passed(reason)


async def tool_call(model: Model, known: Known) -> Finding:
    """One call with arguments that fit the schema."""
    if not model.profile.tools:
        known.no_tools = not_supported("this model takes no tools")
        return known.no_tools
    question = Request(
        [user("What is the weather in Paris now? Use the tool get_weather.")], tools=[WEATHER], purpose="check"
    )
    finding = await _try_call(model, question, known)
    if known.calling is None and finding.verdict == "not supported":
        forced = await _try_call(model, replace(question, tool_choice="required"), known)
        finding = forced if known.calling is not None else finding
    known.no_tools = finding
    return finding


async def tool_result(model: Model, known: Known) -> Finding:
    """The result goes back, and the model goes on."""
    if known.calling is None or known.question is None:
        return Finding("not supported", known.no_tools.reason)
    results = [ToolResult(call.id, "17 °C, code word: kiwi", name=call.name) for call in known.calling.calls]
    messages = [*known.question.messages, known.calling.message, ToolMessage(tuple(results))]
    answer = await ask(model, replace(known.question, messages=messages, tool_choice="auto"))
    if answer.bad_calls:
        return failed(answer.bad_calls[0].problem)
    if not answer.text.strip() and not answer.calls:
        return not_supported("the model said nothing more")
    used = any(word in answer.text.lower() for word in ("17", "kiwi"))
    return passed("" if used else "accepted, but the model made no use of it")


async def parallel_calls(model: Model, known: Known) -> Finding:
    """Two calls in one answer."""
    if known.calling is None:
        return Finding("not supported", known.no_tools.reason)
    text = "What is the weather in Paris, and what in Rome? Call get_weather for both cities in one answer."
    answer = await ask(model, Request([user(text)], tools=[WEATHER], purpose="check"))
    ids = {call.id for call in answer.calls}
    if len(answer.calls) < 2:
        return not_supported("the model made one call at a time" if answer.calls else "the model answered in text")
    if len(ids) < len(answer.calls):
        return failed("two calls have the same id")
    return passed(f"{len(answer.calls)} calls")


async def structured_output(model: Model, known: Known) -> Finding:
    """JSON of a schema."""
    request = Request([user("Invent a person with a name and an age.")], json_schema=PERSON, purpose="check")
    try:
        answer = await ask(model, request)
    except BadRequest as error:
        return not_supported(f"the service refuses it: {error.message}")
    if answer.done.stop_reason == "length":
        return not_supported("the answer hit the length limit")
    try:
        value: Any = json.loads(answer.text)  # Any: JSON
    except ValueError:
        return not_supported(f"the model answered with other text: {answer.text[:40]!r}")
    if not isinstance(value, dict) or set(value) != {"name", "age"} or not isinstance(value["age"], int):  # pyright: ignore[reportUnknownArgumentType] - JSON
        return not_supported(f"the JSON does not fit the schema: {answer.text[:60]!r}")
    return passed(json.dumps(value, ensure_ascii=False)[:60])


async def unicode(model: Model, known: Known) -> Finding:
    """Text beyond ASCII, there and back."""
    text = f"Repeat this line exactly and write nothing else: {', '.join(SIGNS)}"
    answer = await ask(model, Request([user(text)], purpose="check"))
    garbled = [sign.encode().decode("latin-1") for sign in SIGNS]
    if "\ufffd" in answer.text or any(sign in answer.text for sign in garbled):
        return failed(f"garbled: {answer.text[:60]!r}")
    missing = [sign for sign in SIGNS if sign not in answer.text]
    if missing:
        return not_supported(f"the model left out {', '.join(missing)}; nothing was garbled")
    return passed()


async def cancellation(model: Model, known: Known) -> Finding:
    """Leaving in the middle."""
    begun = asyncio.Event()

    async def read() -> None:
        async for chunk in model.stream(Request([user("Write a story of 500 words.")], purpose="check")):
            if isinstance(chunk, TextChunk | ThinkingChunk):
                begun.set()

    task = asyncio.create_task(read())
    try:
        await asyncio.wait({task, waiting := asyncio.create_task(begun.wait())}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            await task
            return not_supported("the answer was complete before it could be cancelled")
        began = time.perf_counter()
        task.cancel()
        await asyncio.wait({task}, timeout=2)
        seconds = time.perf_counter() - began
    finally:
        task.cancel()
    if not task.cancelled():
        return failed("the stream does not let itself be cancelled")
    return passed(f"{seconds * 1000:.0f} ms") if seconds <= MAX_CANCEL_S else failed(f"took {seconds:.1f} s")


async def _try_call(model: Model, question: Request, known: Known) -> Finding:
    try:
        answer = await ask(model, question)
    except BadRequest as error:
        return not_supported(f"the service refuses tools: {error.message}")
    if (shortcoming := _shortcoming(answer)) is not None:
        return shortcoming
    call = answer.calls[0]
    known.question, known.calling = question, answer
    return passed(f"{call.name}({json.dumps(call.args, ensure_ascii=False)[:40]})")


def _shortcoming(answer: Answer) -> Finding | None:  # noqa: PLR0911 - one line for each
    """What is wrong with the answer to a request for one call: of the model, or of the road to it."""
    if answer.done.stop_reason == "length":
        return not_supported("the answer hit the length limit")
    if answer.bad_calls:
        return failed(answer.bad_calls[0].problem)
    if not answer.calls:
        return not_supported("the model answered in text")
    if answer.done.stop_reason != "tool_calls":
        return failed(f"there is a call, but the stop reason is {answer.done.stop_reason!r}")
    call = answer.calls[0]
    if call.name != WEATHER.name:
        return not_supported(f"the model called {call.name!r}, which was not offered")
    if set(call.args) != {"city"} or not isinstance(call.args["city"], str):
        return not_supported(f"the model's arguments do not fit the schema: {json.dumps(call.args)[:60]}")
    return None
