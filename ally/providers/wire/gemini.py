"""The Gemini generateContent format.

Source: Gemini API reference, "Generating content", "Function calling", "Thinking" and "Thought signatures".
"""

import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

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
from ally.providers.wire.calls import MADE_UP, UNSEEN_IMAGE, PendingCall, call_args, call_name, names_of_calls
from ally.providers.wire.client import WireModel
from ally.providers.wire.connection import Call, to_json
from ally.providers.wire.fields import count, decode, is_counted, obj, objs, text
from ally.providers.wire.openai import encode
from ally.providers.wire.target import Quirks, Target
from ally.providers.wire.written import Written

SKIP_SIGNATURE = "skip_thought_signature_validator"
"""What the service takes in place of the signature of a call that another model made."""

_TOP_LEVEL = ("safetySettings", "cachedContent", "labels", "serviceTier", "store")
_NEEDS_SIGNATURES = re.compile(r"gemini-([3-9]|\d\d)")
_VERSION = re.compile(r"/v\d\w*($|/)")
_OWN_NAMES = {"maxTokens": "maxOutputTokens", "maxCompletionTokens": "maxOutputTokens", "stop": "stopSequences"}
_THINKING = ("includeThoughts", "thinkingBudget", "thinkingLevel")
_REASONS: dict[str, StopReason] = {"STOP": "end", "MAX_TOKENS": "length", "CONTINUATION": "length"}
_BAD_CALL = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS")
_FAILED = ("OTHER", "FINISH_REASON_UNSPECIFIED")


def model(target: Target) -> Model:
    """The model at `target`, spoken to in this format."""
    return WireModel(target, GeminiWire())


class GeminiWire:
    """generateContent, streamed as server-sent events."""

    framing: Literal["sse", "lines"] = "sse"
    hints = Hints()

    def __init__(self) -> None:
        self._written: Written[JsonObject] = Written()

    def write(self, target: Target, request: Request) -> Call:
        """The HTTP request; equal arguments give equal bytes."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        if target.api_key:
            headers["x-goog-api-key"] = target.api_key
        headers |= target.headers
        name = quote(target.model.removeprefix("models/"), safe="")
        verb = "streamGenerateContent?alt=sse" if target.streaming else "generateContent"
        base = target.base_url if _VERSION.search(target.base_url) else f"{target.base_url}/v1beta"
        return Call(f"{base}/models/{name}:{verb}", headers, to_json(write_body(target, request, self._written)))

    def read(self, request: Request, faults: Faults) -> Parser:
        """A parser for the answer."""
        return GeminiParser(request, faults)


def write_body(target: Target, request: Request, known: Written[JsonObject]) -> JsonObject:
    """The body; the contents come last, so that a longer conversation begins with the bytes of a shorter one."""
    quirks = target.quirks
    options: JsonObject = {_camel(name): value for name, value in target.options.items()}
    body: JsonObject = {name: value for name, value in options.items() if name in _TOP_LEVEL}
    config = _generation_config(target, options, request.json_schema)
    if config:
        body["generationConfig"] = config
    if request.tools and quirks.tools:
        declarations = [
            {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
            for tool in request.tools
        ]
        body["tools"] = [{"functionDeclarations": declarations}]
        if request.tool_choice != "auto":
            body["toolConfig"] = {"functionCallingConfig": _calling(request.tool_choice)}
    if request.system:
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    names = names_of_calls(request.messages)
    signs = _NEEDS_SIGNATURES.search(target.model) is not None
    written = known.write(target, request.messages, lambda message: _write_message(message, names, quirks, signs=signs))
    body["contents"] = [turn for turn in written if turn["parts"]]
    return body


def _generation_config(target: Target, options: JsonObject, schema: JsonObject | None) -> JsonObject:
    config: JsonObject = {}
    if target.temperature is not None and target.quirks.temperature:
        config["temperature"] = target.temperature
    for name, value in options.items():
        if name in _THINKING:
            config["thinkingConfig"] = {**obj(config, "thinkingConfig"), name: value}
        elif name not in (*_TOP_LEVEL, "generationConfig"):
            config[_OWN_NAMES.get(name, name)] = value
    config |= obj(options, "generationConfig")
    if isinstance(config.get("stopSequences"), str):
        config["stopSequences"] = [config["stopSequences"]]
    if schema is not None:
        config |= {"responseMimeType": "application/json", "responseJsonSchema": schema}
    return config


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _calling(choice: str) -> JsonObject:
    if choice in ("none", "required"):
        return {"mode": "NONE" if choice == "none" else "ANY"}
    return {"mode": "ANY", "allowedFunctionNames": [choice]}


def _write_message(message: Message, names: dict[str, str], quirks: Quirks, *, signs: bool) -> JsonObject:
    match message:
        case UserMessage():
            parts = [_user_part(part, quirks) for part in message.parts if part != Text("")]
            return {"role": "user", "parts": parts or [{"text": "(empty)"}]}
        case AssistantMessage():
            return {"role": "model", "parts": _model_parts(message.parts, signs=signs)}
        case ToolMessage():
            # Pictures stand beside the results: inside of them only the newest models take any.
            pictures = [_user_part(image, quirks) for result in message.results for image in result.images]
            return {"role": "user", "parts": [*(_result_part(result, names) for result in message.results), *pictures]}


def _user_part(part: Text | Image, quirks: Quirks) -> JsonObject:
    if isinstance(part, Text):
        return {"text": part.text}
    if not quirks.images:
        return {"text": UNSEEN_IMAGE}
    return {"inlineData": {"mimeType": part.media_type, "data": encode(part)}}


def _model_parts(parts: Sequence[Text | Thinking | ToolCall | BadToolCall], *, signs: bool) -> list[JsonObject]:
    written: list[JsonObject] = []
    called = False
    for part in parts:
        match part:
            case Text() if part.text:
                written.append({"text": part.text})
            case Thinking(redacted=False) if part.signature:
                # A signature without thought came with the end of the text, and goes back as it would come alone.
                thought = {"text": part.text, "thought": True} if part.text else {"text": ""}
                written.append({**thought, "thoughtSignature": part.signature})
            case ToolCall() | BadToolCall():
                written.append(_call_part(part, needs_signature=signs and not called))
                called = True
            case _:
                pass
    return written


def _call_part(call: ToolCall | BadToolCall, *, needs_signature: bool) -> JsonObject:
    function: JsonObject = {"name": call_name(call), "args": call_args(call)}
    if call.id and not call.id.startswith(MADE_UP):
        function["id"] = call.id
    signature = call.signature if isinstance(call, ToolCall) else ""
    if not signature and needs_signature:
        signature = SKIP_SIGNATURE
    return {"functionCall": function, **({"thoughtSignature": signature} if signature else {})}


def _result_part(result: ToolResult, names: dict[str, str]) -> JsonObject:
    response: JsonObject = {"name": names.get(result.call_id, result.name or "unnamed_tool")}
    if result.call_id and not result.call_id.startswith(MADE_UP):
        response["id"] = result.call_id
    response["response"] = {"error" if result.is_error else "output": result.for_model}
    return {"functionResponse": response}


class GeminiParser:
    """Reads `GenerateContentResponse` objects, of a stream or a single one."""

    def __init__(self, request: Request, faults: Faults) -> None:
        self._faults = faults
        self._answer = Answer(request, faults)

    @property
    def is_over(self) -> bool:
        """Never before the stream ends: the service has no event that says so."""
        return False

    @property
    def is_complete(self) -> bool:
        """Whether a finish reason came."""
        return self._answer.reason is not None

    def feed(self, event: str, data: str) -> list[Chunk]:
        """The chunks that are certain after one more event."""
        value = decode(data, self._faults)
        if value.get("error"):
            raise self._faults.from_event(value)
        candidates = objs(value, "candidates")
        chunks = self._read_candidate(candidates[0], data) if candidates else []
        if text(obj(value, "promptFeedback"), "blockReason"):
            self._answer.reason = "refused"
        usage = obj(value, "usageMetadata")
        if usage:
            asked = count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount")
            said = count(usage, "candidatesTokenCount") + count(usage, "thoughtsTokenCount")
            cached, reports = count(usage, "cachedContentTokenCount"), is_counted(usage, "cachedContentTokenCount")
            self._answer.usage = Usage(asked, said, cached, reports)
        return chunks

    def whole(self, data: str) -> list[Chunk]:
        """The same for an answer that came as one JSON document."""
        if data.lstrip().startswith("["):
            # Without alt=sse, and for errors, some proxies send the events as one array.
            data = data.strip()[1:-1]
        return self.feed("", data)

    def end(self) -> list[Chunk]:
        """The last chunks."""
        return self._answer.end()

    def _read_candidate(self, candidate: JsonObject, data: str) -> list[Chunk]:
        chunks: list[Chunk] = []
        for part in objs(obj(candidate, "content"), "parts"):
            chunks += self._read_part(part, data)
        reason = text(candidate, "finishReason")
        if reason in _BAD_CALL:
            words = text(candidate, "finishMessage") or "The call was malformed."
            problem = f"{words} The tool did not run. Send the call again with exactly one JSON object."
            self._answer.calls.append(PendingCall(pieces=[words], problem=problem))
            self._answer.reason = "end"
        elif reason in _FAILED:
            raise self._faults.from_event({"error": text(candidate, "finishMessage") or f"finish reason {reason}"})
        elif reason:
            self._answer.reason = _REASONS.get(reason, "refused")
        return chunks

    def _read_part(self, part: JsonObject, data: str) -> list[Chunk]:
        answer, signature = self._answer, text(part, "thoughtSignature")
        function = obj(part, "functionCall")
        if function:
            pending = answer.add_value_call(function.get("name"), function.get("args"), data)
            pending.id, pending.signature = text(function, "id"), signature
            return []
        said = text(part, "text")
        chunks: list[Chunk] = []
        if said:
            chunks += answer.thinking(said) if part.get("thought") is True else answer.text(said)
        if signature:
            chunks.append(ThinkingChunk("", signature))
        return chunks
