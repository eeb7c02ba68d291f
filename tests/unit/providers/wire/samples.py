"""One answer in every wire format, and readers that need no connection."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from ally.egress.failures.faults import Faults, Hints
from ally.messages import ToolCall, user
from ally.providers.model import Chunk, Done, Request, TextChunk, ThinkingChunk, Usage
from ally.providers.wire.answer import Parser
from ally.providers.wire.anthropic import AnthropicParser
from ally.providers.wire.framing import read_lines, read_sse
from ally.providers.wire.gemini import GeminiParser
from ally.providers.wire.ollama import OllamaParser
from ally.providers.wire.openai import OpenAIParser
from ally.providers.wire.options import build_target

ASK = Request([user("hi")])
TARGET = build_target("acme", "acme-1", "http://127.0.0.1:1/v1", api_key="sk-secret-123456")
FAULTS = Faults(TARGET, Hints())
TEXT = "Grüße 😀\u2028 end"


@dataclass(frozen=True)
class Sample:
    """A complete answer; `events` are (SSE name, JSON value or text)."""

    parser: Callable[[Request, Faults], Parser]
    events: tuple[tuple[str, Any], ...]
    lines: bool = False
    names_events: bool = False
    expected: tuple[Chunk, ...] = ()

    def data(self) -> list[tuple[str, str]]:
        return [
            (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for name, value in self.events
        ]

    def wire(self, newline: str = "\n") -> bytes:
        if self.lines:
            return "".join(data + newline for _, data in self.data()).encode()
        named = self.names_events
        return "".join(
            (f"event: {name}{newline}" if named else "") + f"data: {data}{newline}{newline}"
            for name, data in self.data()
        ).encode()


def _openai(delta: dict[str, Any], finish: str | None = None) -> tuple[str, Any]:
    return "message", {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _call(index: int, arguments: str, **first: str) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": first["name"]} if first else {})
    return {"tool_calls": [{"index": index, "function": function} | ({"id": first["id"]} if first else {})]}


OPENAI = Sample(
    OpenAIParser,
    (
        _openai({"role": "assistant", "content": ""}),
        _openai({"reasoning_content": "Let me "}),
        _openai({"reasoning_content": "see."}),
        _openai({"content": TEXT[:4]}),
        _openai({"content": TEXT[4:]}),
        _openai(_call(0, "", id="c1", name="add")),
        _openai(_call(0, '{"a": 1,')),
        _openai(_call(0, '"b": 2}')),
        _openai(_call(1, '{"path": "ü"}', id="c2", name="read")),
        _openai({}, "tool_calls"),
        (
            "message",
            {
                "id": "c",
                "choices": [],
                "usage": {
                    "prompt_tokens": 30,
                    "completion_tokens": 5,
                    "prompt_tokens_details": {"cached_tokens": 10},
                },
            },
        ),
        ("message", "[DONE]"),
    ),
    expected=(
        ThinkingChunk("Let me see."),
        TextChunk(TEXT),
        ToolCall("c1", "add", {"a": 1, "b": 2}),
        ToolCall("c2", "read", {"path": "ü"}),
        Done("tool_calls", Usage(30, 5, 10, True)),
    ),
)


def _anthropic(kind: str, **fields: Any) -> tuple[str, Any]:
    return kind, {"type": kind, **fields}


def _start(index: int, block: dict[str, Any]) -> tuple[str, Any]:
    return _anthropic("content_block_start", index=index, content_block=block)


def _delta(index: int, **delta: Any) -> tuple[str, Any]:
    return _anthropic("content_block_delta", index=index, delta=delta)


def _stop(index: int) -> tuple[str, Any]:
    return _anthropic("content_block_stop", index=index)


ANTHROPIC = Sample(
    AnthropicParser,
    (
        _anthropic(
            "message_start",
            message={"usage": {"input_tokens": 15, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 5}},
        ),
        _anthropic("ping"),
        _start(0, {"type": "thinking", "thinking": "", "signature": ""}),
        _delta(0, type="thinking_delta", thinking="Let me "),
        _delta(0, type="thinking_delta", thinking="see."),
        _delta(0, type="signature_delta", signature="sig"),
        _stop(0),
        _start(1, {"type": "redacted_thinking", "data": "blob"}),
        _stop(1),
        _start(2, {"type": "text", "text": ""}),
        _delta(2, type="text_delta", text=TEXT[:4]),
        _delta(2, type="text_delta", text=TEXT[4:]),
        _stop(2),
        _start(3, {"type": "tool_use", "id": "c1", "name": "add", "input": {}}),
        _delta(3, type="input_json_delta", partial_json=""),
        _delta(3, type="input_json_delta", partial_json='{"a": 1,'),
        _delta(3, type="input_json_delta", partial_json='"b": 2}'),
        _stop(3),
        _start(4, {"type": "tool_use", "id": "c2", "name": "read", "input": {}}),
        _delta(4, type="input_json_delta", partial_json='{"path": "ü"}'),
        _stop(4),
        _anthropic("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 5}),
        _anthropic("message_stop"),
    ),
    names_events=True,
    expected=(
        ThinkingChunk("Let me see.", "sig"),
        ThinkingChunk("", "blob", redacted=True),
        TextChunk(TEXT),
        ToolCall("c1", "add", {"a": 1, "b": 2}),
        ToolCall("c2", "read", {"path": "ü"}),
        Done("tool_calls", Usage(30, 5, 10, True, cache_written_tokens=5)),
    ),
)


def _gemini(*parts: dict[str, Any], **fields: Any) -> tuple[str, Any]:
    return "message", {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **fields}]}


GEMINI = Sample(
    GeminiParser,
    (
        _gemini({"text": "Let me ", "thought": True}),
        _gemini({"text": "see.", "thought": True}),
        _gemini({"text": TEXT[:4]}),
        _gemini({"text": TEXT[4:]}),
        _gemini({"functionCall": {"name": "add", "args": {"a": 1, "b": 2}, "id": "c1"}, "thoughtSignature": "sig"}),
        _gemini({"functionCall": {"name": "read", "args": {"path": "ü"}}}),
        (
            "message",
            {
                **_gemini({"text": ""}, finishReason="STOP")[1],
                "usageMetadata": {
                    "promptTokenCount": 30,
                    "candidatesTokenCount": 2,
                    "thoughtsTokenCount": 3,
                    "cachedContentTokenCount": 10,
                },
            },
        ),
    ),
    expected=(
        ThinkingChunk("Let me see."),
        TextChunk(TEXT),
        ToolCall("c1", "add", {"a": 1, "b": 2}, "sig"),
        ToolCall("ally_call_1", "read", {"path": "ü"}),
        Done("tool_calls", Usage(30, 5, 10, True)),
    ),
)


def _ollama(done: bool = False, **message: Any) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", "content": "", **message}, "done": done}


OLLAMA = Sample(
    OllamaParser,
    (
        ("", _ollama(thinking="Let me ")),
        ("", _ollama(thinking="see.")),
        ("", _ollama(content=TEXT[:4])),
        ("", _ollama(content=TEXT[4:])),
        ("", _ollama(tool_calls=[{"function": {"name": "add", "arguments": {"a": 1, "b": 2}}}])),
        ("", _ollama(tool_calls=[{"id": "c2", "function": {"name": "read", "arguments": {"path": "ü"}}}])),
        ("", _ollama(done=True) | {"done_reason": "stop", "prompt_eval_count": 30, "eval_count": 5}),
    ),
    lines=True,
    expected=(
        ThinkingChunk("Let me see."),
        TextChunk(TEXT),
        ToolCall("ally_call_1", "add", {"a": 1, "b": 2}),
        ToolCall("c2", "read", {"path": "ü"}),
        Done("tool_calls", Usage(30, 5, 0)),
    ),
)

SAMPLES = {"openai": OPENAI, "anthropic": ANTHROPIC, "gemini": GEMINI, "ollama": OLLAMA}


def joined(chunks: Iterable[Chunk]) -> tuple[Chunk, ...]:
    """The chunks with neighbouring pieces of text and of thinking put together."""
    found: list[Chunk] = []
    for chunk in chunks:
        last = found[-1] if found else None
        if isinstance(chunk, TextChunk) and isinstance(last, TextChunk):
            found[-1] = TextChunk(last.text + chunk.text)
        elif isinstance(chunk, ThinkingChunk) and isinstance(last, ThinkingChunk):
            if last.signature or chunk.redacted:
                found.append(chunk)
            else:
                found[-1] = ThinkingChunk(last.text + chunk.text, chunk.signature)
        else:
            found.append(chunk)
    return tuple(found)


def parse(parser: Parser, events: Iterable[tuple[str, str]]) -> list[Chunk]:
    """What `parser` makes of decoded events."""
    chunks: list[Chunk] = []
    for name, data in events:
        chunks += parser.feed(name, data)
        if parser.is_over:
            break
    return chunks + parser.end()


async def read(sample: Sample, pieces: Sequence[bytes]) -> list[Chunk]:
    """What the format's framing and parser make of a body that arrives in `pieces`."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    response = httpx2.Response(200, content=body(), request=httpx2.Request("POST", "http://127.0.0.1"))
    events = [event async for event in (read_lines if sample.lines else read_sse)(response)]
    return parse(sample.parser(ASK, FAULTS), events)
