"""Ollama's own chat format, which unlike its OpenAI one takes the context size.

Source: Ollama API reference, "Generate a chat completion"; the fields of `options` are those of a Modelfile.
"""

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
from ally.providers.model import Chunk, Model, Request, StopReason, Usage
from ally.providers.wire.answer import Answer, Parser
from ally.providers.wire.calls import (
    UNSEEN_IMAGE,
    call_args,
    call_name,
    find_calls,
    names_of_calls,
    pictures_of,
    result_text,
)
from ally.providers.wire.client import WireModel
from ally.providers.wire.connection import Call, to_json
from ally.providers.wire.fields import count, decode, obj, objs, text
from ally.providers.wire.openai import encode
from ally.providers.wire.target import Quirks, Target
from ally.providers.wire.written import Written

_TOP_LEVEL = ("keep_alive", "think", "format", "truncate", "shift", "logprobs", "top_logprobs", "options")
_MAX_TOKENS = ("max_tokens", "max_completion_tokens")
_REASONS: dict[str, StopReason] = {"stop": "end", "length": "length"}


_REFUSE: JsonObject = {"truncate": False, "shift": False}
"""Rather an error than a prompt without its beginning; servers before 0.12.6 know neither field and ignore both."""


def model(target: Target) -> Model:
    """The model at `target`, spoken to in this format."""
    own = count(_options(target), "num_ctx") if target.context_window is None else None
    return WireModel(target, OllamaWire(target), context_window=own)


class OllamaWire:
    """Chat over lines of JSON."""

    framing: Literal["sse", "lines"] = "lines"

    def __init__(self, target: Target) -> None:
        self._written: Written[list[JsonObject]] = Written()
        self.hints = Hints(
            unreachable="start Ollama (`ollama serve`), or use the embedded engine: ally --provider local",
            unknown_model=f"fetch it: ally models pull ollama:{target.model}; `ally models` shows what is there",
        )

    def write(self, target: Target, request: Request) -> Call:
        """The HTTP request; equal arguments give equal bytes."""
        headers = {"Content-Type": "application/json", "Accept": "application/x-ndjson, application/json"}
        if target.api_key:
            headers["Authorization"] = f"Bearer {target.api_key}"
        headers |= target.headers
        base = target.base_url.removesuffix("/v1").removesuffix("/api")
        return Call(f"{base}/api/chat", headers, to_json(write_body(target, request, self._written)))

    def read(self, request: Request, faults: Faults) -> Parser:
        """A parser for the answer."""
        return OllamaParser(request, faults)


def write_body(target: Target, request: Request, known: Written[list[JsonObject]]) -> JsonObject:
    """The body; the messages come last, so that a longer conversation begins with the bytes of a shorter one."""
    quirks = target.quirks
    body: JsonObject = {"model": target.model, "stream": target.streaming, **_REFUSE}
    body |= {name: value for name, value in target.options.items() if name in _TOP_LEVEL and name != "options"}
    options = _options(target)
    if options:
        body["options"] = options
    # A request for no call is a request without tools: the format has no field for the choice.
    if request.tools and quirks.tools and request.tool_choice != "none":
        chosen = [tool for tool in request.tools if tool.name == request.tool_choice] or request.tools
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in chosen
        ]
    if request.json_schema is not None:
        body["format"] = request.json_schema if quirks.structured == "json_schema" else "json"
    messages: list[JsonObject] = [{"role": "system", "content": request.system}] if request.system else []
    names = names_of_calls(request.messages)
    for written in known.write(target, request.messages, lambda message: _write_message(message, names, quirks)):
        messages += written
    body["messages"] = messages
    return body


def _options(target: Target) -> JsonObject:
    options: JsonObject = {}
    if target.temperature is not None and target.quirks.temperature:
        options["temperature"] = target.temperature
    for name, value in target.options.items():
        if name not in _TOP_LEVEL:
            options["num_predict" if name in _MAX_TOKENS else name] = value
    return options | obj(target.options, "options")


def _write_message(message: Message, names: dict[str, str], quirks: Quirks) -> list[JsonObject]:
    match message:
        case UserMessage():
            return [_write_user(message.parts, quirks)]
        case AssistantMessage():
            return _write_assistant(message)
        case ToolMessage():
            return _write_results(message, names, quirks)


def _write_results(message: ToolMessage, names: dict[str, str], quirks: Quirks) -> list[JsonObject]:
    """The results, then their pictures as the user's: some templates show a picture only there."""
    written: list[JsonObject] = [
        {
            "role": "tool",
            "content": result_text(result, images=quirks.images),
            "tool_name": names.get(result.call_id, result.name),
            "tool_call_id": result.call_id,
        }
        for result in message.results
    ]
    pictures = pictures_of(message) if quirks.images else ()
    return [*written, *([_write_user(pictures, quirks)] if pictures else [])]


def _write_user(parts: Sequence[Text | Image], quirks: Quirks) -> JsonObject:
    said = [part.text for part in parts if isinstance(part, Text)]
    images = [encode(part) for part in parts if isinstance(part, Image)]
    if images and not quirks.images:
        return {"role": "user", "content": "\n\n".join([*said, *[UNSEEN_IMAGE] * len(images)])}
    return {"role": "user", "content": "\n\n".join(said), **({"images": images} if images else {})}


def _write_assistant(message: AssistantMessage) -> list[JsonObject]:
    calls = find_calls(message)
    if not message.text and not calls:
        return []
    written: JsonObject = {"role": "assistant", "content": message.text}
    if calls:
        # Templates of thinking models show the thinking of a tool loop, and only that.
        thinking = "".join(part.text for part in message.parts if isinstance(part, Thinking))
        if thinking:
            written["thinking"] = thinking
        written["tool_calls"] = [
            {"id": call.id, "function": {"name": call_name(call), "arguments": call_args(call)}} for call in calls
        ]
    return [written]


class OllamaParser:
    """Reads the lines of an answer; the last one has `done`."""

    def __init__(self, request: Request, faults: Faults) -> None:
        self._faults = faults
        self._answer = Answer(request, faults)
        self._over = False

    @property
    def is_over(self) -> bool:
        """Whether the line with `done` came."""
        return self._over

    @property
    def is_complete(self) -> bool:
        """Whether the line with `done` came."""
        return self._over

    def feed(self, event: str, data: str) -> list[Chunk]:
        """The chunks that are certain after one more line."""
        value = decode(data, self._faults)
        if value.get("error"):
            raise self._faults.from_event(value)
        if "message" not in value and "done" not in value:
            raise self._faults.bad_reply("sent a line without a message")
        answer, message = self._answer, obj(value, "message")
        chunks: list[Chunk] = []
        if thought := text(message, "thinking"):
            chunks += answer.thinking(thought)
        if said := text(message, "content"):
            chunks += answer.text(said)
        for call in objs(message, "tool_calls"):
            function = obj(call, "function")
            pending = answer.add_value_call(function.get("name"), function.get("arguments"), data)
            pending.id = text(call, "id")
        if value.get("done") is True:
            self._over = True
            answer.reason = _REASONS.get(text(value, "done_reason"), "end")
            answer.usage = _usage(value)
        return chunks

    def whole(self, data: str) -> list[Chunk]:
        """The same for an answer that came as one JSON document."""
        return self.feed("", data)

    def end(self) -> list[Chunk]:
        """The last chunks."""
        return self._answer.end()


def _usage(value: JsonObject) -> Usage:
    """What the last line counts. Servers before 0.33 do not say what came from their cache."""
    read, cached = count(value, "prompt_eval_count"), count(value, "prompt_eval_cached_count")
    return Usage(
        input_tokens=read,
        output_tokens=count(value, "eval_count"),
        cached_input_tokens=min(cached, read),
        reports_cache="prompt_eval_cached_count" in value,
        prefill_s=_seconds(value, "prompt_eval_duration"),
        generation_s=_seconds(value, "eval_duration"),
    )


def _seconds(value: JsonObject, name: str) -> float | None:
    """The duration in field `name`, which is in nanoseconds."""
    return count(value, name) / 1e9 or None
