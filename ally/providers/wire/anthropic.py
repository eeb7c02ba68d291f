"""The Anthropic messages format.

Source: Anthropic API reference, "Create a Message", "Streaming Messages", "Extended thinking", "Structured outputs".
"""

import json
from typing import Literal

from ally.egress.failures.faults import Faults, Hints
from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Image,
    JsonObject,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
)
from ally.providers.model import Chunk, Model, Request, StopReason, ThinkingChunk, Usage
from ally.providers.wire.answer import Answer, Parser
from ally.providers.wire.calls import UNSEEN_IMAGE, PendingCall, call_args, call_name, wire_id
from ally.providers.wire.client import WireModel
from ally.providers.wire.connection import Call, to_json
from ally.providers.wire.fields import count, decode, is_counted, obj, objs, text
from ally.providers.wire.openai import encode
from ally.providers.wire.schema import close, in_words
from ally.providers.wire.target import Quirks, Target
from ally.providers.wire.written import Written

API_VERSION = "2023-06-01"
DEFAULT_MAX_TOKENS = 16_384
"""The format demands a limit; every model that is served today allows this one."""

_ANSWER_TOOL = "answer"
_REASONS: dict[str, StopReason] = {
    "end_turn": "end",
    "pause_turn": "end",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "refusal": "refused",
}


def model(target: Target) -> Model:
    """The model at `target`, spoken to in this format."""
    return WireModel(target, AnthropicWire(target.quirks))


class AnthropicWire:
    """Messages over server-sent events."""

    framing: Literal["sse", "lines"] = "sse"
    hints = Hints()

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._written: Written[JsonObject] = Written()

    def write(self, target: Target, request: Request) -> Call:
        """The HTTP request; equal arguments give equal bytes."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "anthropic-version": API_VERSION,
        }
        if target.api_key:
            headers["x-api-key"] = target.api_key
        headers |= target.headers
        base = target.base_url if target.base_url.endswith("/v1") else f"{target.base_url}/v1"
        return Call(f"{base}/messages", headers, to_json(write_body(target, request, self._written)))

    def read(self, request: Request, faults: Faults) -> Parser:
        """A parser for the answer."""
        as_text = request.json_schema is not None and self._quirks.structured == "tool"
        return AnthropicParser(request, faults, answer_tool=_ANSWER_TOOL if as_text else "")


def write_body(target: Target, request: Request, known: Written[JsonObject]) -> JsonObject:
    """The body; the messages come last, so that a longer conversation begins with the bytes of a shorter one."""
    quirks, options = target.quirks, target.options
    thinking = obj(options, "thinking")
    thinks = text(thinking, "type") in ("enabled", "adaptive")
    body: JsonObject = {"model": target.model, "stream": target.streaming}
    body["max_tokens"] = DEFAULT_MAX_TOKENS + count(thinking, "budget_tokens")
    # The service refuses a temperature while the model thinks.
    if target.temperature is not None and quirks.temperature and not thinks:
        body["temperature"] = target.temperature
    body |= options
    if request.tools and quirks.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in request.tools
        ]
        if request.tool_choice != "auto":
            body["tool_choice"] = _tool_choice(request.tool_choice, thinks=thinks)
    if request.json_schema is not None:
        _ask_for_json(body, request.json_schema, quirks)
    system = request.system
    if request.json_schema is not None and quirks.structured in ("none", "json_object"):
        system = f"{system}\n\n{in_words(request.json_schema)}".strip()
    if system:
        body["system"] = system
    written = known.write(target, request.messages, lambda message: _write_message(message, quirks))
    body["messages"] = [message for message in written if message["content"]]
    return body


def _tool_choice(choice: str, *, thinks: bool) -> JsonObject:
    if choice == "none":
        return {"type": "none"}
    # A model that thinks cannot be forced to call.
    if thinks:
        return {"type": "auto"}
    return {"type": "any"} if choice == "required" else {"type": "tool", "name": choice}


def _ask_for_json(body: JsonObject, schema: JsonObject, quirks: Quirks) -> None:
    if quirks.structured == "json_schema":
        form = {"type": "json_schema", "schema": close(schema)}
        body["output_config"] = {**obj(body, "output_config"), "format": form}
    elif quirks.structured == "tool":
        body["tools"] = [{"name": _ANSWER_TOOL, "description": "Gives the answer.", "input_schema": schema}]
        body["tool_choice"] = {"type": "tool", "name": _ANSWER_TOOL}


def _write_message(message: Message, quirks: Quirks) -> JsonObject:
    match message:
        case UserMessage():
            blocks = [_user_block(part, quirks) for part in message.parts if not _is_blank(part)]
            return {"role": "user", "content": blocks or [{"type": "text", "text": "(empty)"}]}
        case AssistantMessage():
            found = [_assistant_block(part) for part in message.parts if not _is_blank(part)]
            return {"role": "assistant", "content": [block for block in found if block]}
        case ToolMessage():
            return {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": wire_id(result.call_id),
                        "content": _result_content(result, quirks),
                        **({"is_error": True} if result.is_error else {}),
                    }
                    for result in message.results
                ],
            }


def _result_content(result: ToolResult, quirks: Quirks) -> str | list[JsonObject]:
    if not result.images:
        return result.for_model
    parts = (Text(result.for_model), *result.images)
    return [_user_block(part, quirks) for part in parts if not _is_blank(part)]


def _is_blank(part: object) -> bool:
    """Whether `part` is text without a visible character, which the service refuses."""
    return isinstance(part, Text) and not part.text.strip()


def _user_block(part: Text | Image, quirks: Quirks) -> JsonObject:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if not quirks.images:
        return {"type": "text", "text": UNSEEN_IMAGE}
    return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": encode(part)}}


def _assistant_block(part: Text | Thinking | ToolCall | BadToolCall) -> JsonObject:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Thinking(redacted=True):
            return {"type": "redacted_thinking", "data": part.signature}
        case Thinking():
            # Without its proof the service takes no thinking back.
            if not part.signature:
                return {}
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
        case ToolCall() | BadToolCall():
            return {"type": "tool_use", "id": wire_id(part.id), "name": call_name(part), "input": call_args(part)}


class AnthropicParser:
    """Reads the events from `message_start` to `message_stop`, or one `message`.

    A call of `answer_tool` is not a call but the answer itself, as JSON text.
    """

    def __init__(self, request: Request, faults: Faults, *, answer_tool: str = "") -> None:
        self._faults = faults
        self._answer = Answer(request, faults)
        self._answer_tool = answer_tool
        self._calls: dict[int, PendingCall] = {}
        self._signatures: dict[int, str] = {}
        self._usage: JsonObject = {}
        self._reason = ""
        self._over = False

    @property
    def is_over(self) -> bool:
        """Whether `message_stop` came."""
        return self._over

    @property
    def is_complete(self) -> bool:
        """Whether `message_stop` came."""
        return self._over

    def feed(self, event: str, data: str) -> list[Chunk]:
        """The chunks that are certain after one more event."""
        value = decode(data, self._faults)
        chunks: list[Chunk] = []
        match text(value, "type") or event:
            case "message_start":
                self._note_usage(obj(value, "message"))
            case "content_block_start":
                chunks = self._start(count(value, "index"), obj(value, "content_block"))
            case "content_block_delta":
                chunks = self._delta(count(value, "index"), obj(value, "delta"))
            case "content_block_stop":
                chunks = self._stop(count(value, "index"))
            case "message_delta":
                self._reason = text(obj(value, "delta"), "stop_reason") or self._reason
                self._note_usage(value)
            case "message_stop":
                self._over = True
            case "error":
                raise self._faults.from_event(value)
            case _:
                # New kinds of events may come at any time, and are to be skipped.
                pass
        return chunks

    def whole(self, data: str) -> list[Chunk]:
        """The same for an answer that came as one JSON document."""
        value = decode(data, self._faults)
        if text(value, "type") != "message":
            raise self._faults.from_event(value) if value.get("error") else self._faults.bad_reply("sent no message")
        chunks: list[Chunk] = []
        for index, block in enumerate(objs(value, "content")):
            chunks += self._start(index, block)
            chunks += self._delta(index, {"type": "signature_delta", "signature": text(block, "signature")})
            chunks += self._stop(index)
        self._note_usage(value)
        self._reason, self._over = text(value, "stop_reason"), True
        return chunks

    def end(self) -> list[Chunk]:
        """The last chunks."""
        answer = self._answer
        if self._over:
            answer.reason = _REASONS.get(self._reason, "end")
        if self._usage:
            cached = count(self._usage, "cache_read_input_tokens")
            written = count(self._usage, "cache_creation_input_tokens")
            read = count(self._usage, "input_tokens") + written + cached
            reports = is_counted(self._usage, "cache_read_input_tokens")
            answer.usage = Usage(
                read, count(self._usage, "output_tokens"), cached, reports, cache_written_tokens=written
            )
        calls = [self._calls[index] for index in sorted(self._calls)]
        chunks: list[Chunk] = []
        if self._answer_tool and calls and self._over and calls[0].name == self._answer_tool:
            chunks = answer.plain_text(calls[0].raw)
            answer.reason = "end" if answer.reason == "tool_calls" else answer.reason
            calls = []
        answer.calls = calls
        return [*chunks, *answer.end()]

    def _start(self, index: int, block: JsonObject) -> list[Chunk]:
        match text(block, "type"):
            case "text" if text(block, "text"):
                return self._answer.text(text(block, "text"))
            case "thinking" if text(block, "thinking"):
                return self._answer.thinking(text(block, "thinking"))
            case "redacted_thinking":
                return [ThinkingChunk("", text(block, "data"), redacted=True)]
            case "tool_use":
                self._answer.admit_call(len(self._calls))
                args = block.get("input")
                raw = json.dumps(args, ensure_ascii=False) if args else ""
                self._calls[index] = PendingCall(text(block, "id"), text(block, "name"), [raw])
            case _:
                pass
        return []

    def _delta(self, index: int, delta: JsonObject) -> list[Chunk]:
        match text(delta, "type"):
            case "text_delta" if text(delta, "text"):
                return self._answer.text(text(delta, "text"))
            case "thinking_delta" if text(delta, "thinking"):
                return self._answer.thinking(text(delta, "thinking"))
            case "signature_delta" if text(delta, "signature"):
                self._signatures[index] = self._signatures.get(index, "") + text(delta, "signature")
            case "input_json_delta" if index in self._calls:
                self._calls[index].pieces.append(text(delta, "partial_json"))
            case _:
                pass
        return []

    def _stop(self, index: int) -> list[Chunk]:
        signature = self._signatures.pop(index, "")
        return [ThinkingChunk("", signature)] if signature else []

    def _note_usage(self, holder: JsonObject) -> None:
        # The counts of message_delta are totals; those it leaves out stand as message_start gave them.
        self._usage |= {name: value for name, value in obj(holder, "usage").items() if value is not None}
