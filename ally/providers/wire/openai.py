"""The OpenAI chat completions format, also spoken by most other services.

Source: OpenAI API reference, "Create chat completion" and "Streaming"; the reasoning fields are those of DeepSeek
(`reasoning_content`) and of OpenRouter, Groq, Cerebras and vLLM (`reasoning`).
"""

import base64
import json
from collections.abc import Sequence
from typing import Literal

from ally.egress.failures.faults import Faults, Hints
from ally.messages import (
    AssistantMessage,
    Image,
    JsonObject,
    Message,
    Text,
    Thinking,
    ToolMessage,
    UserMessage,
)
from ally.providers.model import Chunk, Model, Request, StopReason
from ally.providers.wire.answer import Answer, Parser
from ally.providers.wire.calls import (
    UNSEEN_IMAGE,
    PendingCall,
    call_args,
    call_name,
    find_calls,
    pictures_of,
    result_text,
    wire_id,
)
from ally.providers.wire.client import WireModel
from ally.providers.wire.connection import Call, to_json
from ally.providers.wire.fields import decode, obj, objs, text
from ally.providers.wire.schema import in_words, is_closed
from ally.providers.wire.target import Quirks, Target
from ally.providers.wire.usage import UsageReader
from ally.providers.wire.written import Written

BETWEEN = "I have read the results."
"""What the assistant says where the format wants it to speak between a tool and the user."""

_REASONS: dict[str, StopReason] = {
    "stop": "end",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refused",
    "stop_sequence": "stop_sequence",
}
_FAILED = ("error", "insufficient_system_resource")
_MAX_TOKENS = ("max_tokens", "max_completion_tokens")


def model(target: Target) -> Model:
    """The model at `target`, spoken to in this format."""
    return WireModel(target, OpenAIWire())


class OpenAIWire:
    """Chat completions over server-sent events."""

    framing: Literal["sse", "lines"] = "sse"
    hints = Hints()

    def __init__(self) -> None:
        self._written: Written[list[JsonObject]] = Written()

    def write(self, target: Target, request: Request) -> Call:
        """The HTTP request; equal arguments give equal bytes."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        if target.api_key:
            headers["Authorization"] = f"Bearer {target.api_key}"
        headers |= target.headers
        return Call(f"{target.base_url}/chat/completions", headers, to_json(write_body(target, request, self._written)))

    def read(self, request: Request, faults: Faults) -> Parser:
        """A parser for the answer."""
        return OpenAIParser(request, faults)


def write_body(target: Target, request: Request, known: Written[list[JsonObject]]) -> JsonObject:
    """The body; the messages come last, so that a longer conversation begins with the bytes of a shorter one."""
    quirks = target.quirks
    body: JsonObject = {"model": target.model, "stream": target.streaming}
    if target.streaming and quirks.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if target.temperature is not None and quirks.temperature:
        body["temperature"] = target.temperature
    for name, value in target.options.items():
        body[quirks.max_tokens_field if name in _MAX_TOKENS else name] = value
    if request.tools and quirks.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in request.tools
        ]
        if request.tool_choice != "auto":
            body["tool_choice"] = _tool_choice(request.tool_choice)
    if request.json_schema is not None and quirks.structured != "none":
        body["response_format"] = _response_format(quirks, request.json_schema)
    system = request.system
    if request.json_schema is not None and quirks.structured != "json_schema":
        system = f"{system}\n\n{in_words(request.json_schema)}".strip()
    messages: list[JsonObject] = [{"role": "system", "content": system}] if system else []
    for written in known.write(target, request.messages, lambda message: _write_message(message, quirks)):
        for message in written:
            _follow(messages, message, quirks)
    body["messages"] = messages
    return body


def _follow(messages: list[JsonObject], message: JsonObject, quirks: Quirks) -> None:
    """Add `message`; where no user may speak right after a tool, with a word of the assistant before it."""
    follows_tool = messages and messages[-1]["role"] == "tool" and message["role"] == "user"
    if follows_tool and quirks.assistant_after_tools:
        messages.append({"role": "assistant", "content": BETWEEN})
    messages.append(message)


def _tool_choice(choice: str) -> str | JsonObject:
    if choice in ("none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def _response_format(quirks: Quirks, schema: JsonObject) -> JsonObject:
    if quirks.structured == "json_object":
        return {"type": "json_object"}
    # Strict mode guarantees the schema, but refuses every schema that leaves a property open.
    form: JsonObject = {"name": "answer", "schema": schema}
    return {"type": "json_schema", "json_schema": {**form, "strict": True} if is_closed(schema) else form}


def _write_message(message: Message, quirks: Quirks) -> list[JsonObject]:
    match message:
        case UserMessage():
            return [{"role": "user", "content": _user_content(message.parts, quirks)}]
        case AssistantMessage():
            return _write_assistant(message, quirks)
        case ToolMessage():
            return _write_results(message, quirks)


def _write_results(message: ToolMessage, quirks: Quirks) -> list[JsonObject]:
    """The results, which are text only; their pictures follow as if the user had sent them."""
    written: list[JsonObject] = [
        {
            "role": "tool",
            "tool_call_id": wire_id(result.call_id, short=quirks.short_call_ids),
            "content": result_text(result, images=quirks.images),
        }
        for result in message.results
    ]
    pictures = pictures_of(message) if quirks.images else ()
    return [*written, *([{"role": "user", "content": _user_content(pictures, quirks)}] if pictures else [])]


def _user_content(parts: Sequence[Text | Image], quirks: Quirks) -> str | list[JsonObject]:
    if not any(isinstance(part, Image) for part in parts):
        return "\n\n".join(part.text for part in parts if isinstance(part, Text))
    return [_user_part(part, quirks) for part in parts]


def _user_part(part: Text | Image, quirks: Quirks) -> JsonObject:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if not quirks.images:
        return {"type": "text", "text": UNSEEN_IMAGE}
    return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{encode(part)}"}}


def encode(image: Image) -> str:
    """The picture in base64."""
    return base64.b64encode(image.data).decode("ascii")


def _write_assistant(message: AssistantMessage, quirks: Quirks) -> list[JsonObject]:
    said = message.text
    thinking = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    calls = find_calls(message)
    if thinking and quirks.replay_thinking == "think_tags":
        said = f"<think>{thinking}</think>{said}"
    if not said and not calls:
        return []
    written: JsonObject = {"role": "assistant", "content": said or None}
    if thinking and quirks.replay_thinking == "reasoning_content":
        written["reasoning_content"] = thinking
    if calls:
        written["tool_calls"] = [
            {
                "id": wire_id(call.id, short=quirks.short_call_ids),
                "type": "function",
                "function": {
                    "name": call_name(call),
                    "arguments": json.dumps(call_args(call), ensure_ascii=False, separators=(",", ":")),
                },
            }
            for call in calls
        ]
    return [written]


class OpenAIParser:
    """Reads `chat.completion.chunk` events, or one `chat.completion`."""

    def __init__(self, request: Request, faults: Faults) -> None:
        self._faults = faults
        self._answer = Answer(request, faults)
        self._usage = UsageReader()
        self._calls: dict[int, PendingCall] = {}
        self._over = False
        self._failed = False

    @property
    def is_over(self) -> bool:
        """Whether [DONE] came."""
        return self._over

    @property
    def is_complete(self) -> bool:
        """Whether a finish reason or [DONE] came."""
        return self._over or self._answer.reason is not None

    def feed(self, event: str, data: str) -> list[Chunk]:
        """The chunks that are certain after one more event."""
        if data.strip() == "[DONE]":
            self._over = True
            return []
        value = decode(data, self._faults)
        if event == "error" or _is_error(value):
            raise self._faults.from_event(value)
        self._note_usage(value)
        choices = objs(value, "choices")
        return self._read_choice(choices[0], "delta") if choices else []

    def whole(self, data: str) -> list[Chunk]:
        """The same for an answer that came as one JSON document."""
        value = decode(data, self._faults)
        if _is_error(value):
            raise self._faults.from_event(value)
        choices = objs(value, "choices")
        if not choices:
            raise self._faults.bad_reply("sent an answer without choices")
        self._note_usage(value)
        self._over = True
        return self._read_choice(choices[0], "message")

    def end(self) -> list[Chunk]:
        """The last chunks; [DONE] alone ends only an answer that said something."""
        answer = self._answer
        answer.calls = [self._calls[index] for index in sorted(self._calls)]
        if self._failed:
            raise self._faults.from_event({"error": "the service ended the answer with an error"})
        if answer.reason is None and self._over:
            if not answer.said_anything and not answer.calls:
                raise self._faults.bad_reply("ended without any answer", hint="try again")
            answer.reason = "end"
        return answer.end()

    def _read_choice(self, choice: JsonObject, kind: str) -> list[Chunk]:
        chunks: list[Chunk] = []
        delta = obj(choice, kind)
        thought = text(delta, "reasoning_content") or text(delta, "reasoning")
        if thought:
            chunks += self._answer.thinking(thought)
        # Some services send the text as a list of parts.
        parts = "".join(text(part, "text") for part in objs(delta, "content"))
        for piece in (text(delta, "content") or parts, text(delta, "refusal")):
            if piece:
                chunks += self._answer.text(piece)
        for place, piece in enumerate(objs(delta, "tool_calls")):
            self._read_call(piece, place)
        self._note_usage(choice)
        reason = text(choice, "finish_reason")
        if reason:
            self._failed = reason in _FAILED
            self._answer.reason = _REASONS.get(reason, "end")
        return chunks

    def _read_call(self, piece: JsonObject, place: int) -> None:
        index, call_id = piece.get("index"), text(piece, "id")
        if not isinstance(index, int):
            # Without an index a new id begins a new call, and a piece without id belongs to the last one.
            index = len(self._calls) if call_id or not self._calls else max(self._calls)
            index = max(index, place)
        elif call_id and index in self._calls and self._calls[index].id not in ("", call_id):
            # Some services send every parallel call as number 0.
            index = next((at for at, one in self._calls.items() if one.id == call_id), max(self._calls) + 1)
        if index not in self._calls:
            self._answer.admit_call(len(self._calls))
        call = self._calls.setdefault(index, PendingCall())
        function = obj(piece, "function")
        call.id = call.id or call_id
        call.name = call.name or text(function, "name")
        arguments = function.get("arguments")
        if arguments is not None:
            piece_of_args = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
            call.pieces.append(piece_of_args)

    def _note_usage(self, value: JsonObject) -> None:
        self._answer.usage = self._usage.note(value)


def _is_error(value: JsonObject) -> bool:
    if value.get("error") or value.get("object") == "error" or obj(value, "base_resp").get("status_code"):
        return True
    return "choices" not in value and "detail" in value
