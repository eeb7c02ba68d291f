"""LangChain's pieces of an answer as chunks of the port.

LangChain repairs the arguments of a call that was cut off and shows the result as a good call. So only the argument
text as it came is read here, and calls count only after the service's own finish mark.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from ally.errors import BadReply, CutStream
from ally.messages import BadToolCall, ToolCall
from ally.providers.arguments import parse_call, refuse_cut
from ally.providers.langchain.caller import Caller
from ally.providers.langchain.outgoing import GEMINI_SIGNATURES
from ally.providers.langchain.vendor import describe
from ally.providers.model import Chunk, Done, StopReason, TextChunk, ThinkingChunk, Usage
from ally.providers.text import encodable
from ally.providers.thinking import ThinkSplitter

CACHE_WRITES = ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
"""Where LangChain counts what went into a cache: as a whole, or by how long it stays there."""
FINISH_KEYS = ("finish_reason", "stop_reason", "done_reason", "stopReason", "finishReason")
REASONS: Mapping[str, StopReason] = {
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "incomplete": "length",
    "stop_sequence": "stop_sequence",
    "content_filter": "refused",
    "refusal": "refused",
    "safety": "refused",
    "recitation": "refused",
    "blocklist": "refused",
    "prohibited_content": "refused",
    "spii": "refused",
}
"""Reasons by their lower-case names; any other one is a plain end."""
UNFINISHED = ("", "null", "none", "finish_reason_unspecified")
Json = Mapping[str, Any]  # Any: decoded JSON of any vendor


@dataclass(slots=True)
class _Call:
    index: object
    id: str
    name: str
    raw: str


@dataclass(slots=True)
class Answer:
    """One answer as it arrives. `must_finish` says that the vendor always gives a finish reason.

    With `schema_tool` the answer was asked for as the arguments of a tool of that name, and they become its text.
    """

    caller: Caller
    must_finish: bool
    schema_tool: str = ""
    started: bool = False
    _splitter: ThinkSplitter = field(default_factory=ThinkSplitter)
    _calls: list[_Call] = field(default_factory=list[_Call])
    _signatures: dict[str, str] = field(default_factory=dict[str, str])
    _usage: Usage | None = None
    _finish: str = ""

    def feed(self, value: object) -> list[Chunk]:
        """The chunks of one piece of the answer."""
        self.started = True
        match value:
            case str():
                return [*self._splitter.feed(encodable(value))]
            case BaseMessage():
                return self._message(value)
            case _:
                message = f"The library gave a {describe(value)} instead of a message or text."
                raise BadReply(message, provider=self.caller.provider, model=self.caller.model)

    def finish(self) -> list[Chunk]:
        """The chunks after the last piece: what was held back, the calls, and `Done`.

        Raises:
            CutStream: there was no finish mark, though this vendor always sends one.
        """
        if self.must_finish and not self._finish:
            raise CutStream(
                f"The answer of {self.caller.provider} ended before it was complete.",
                provider=self.caller.provider,
                model=self.caller.model,
            )
        if self._finish == "malformed_function_call":
            message = f"{self.caller.model} wrote a tool call that {self.caller.provider} could not read."
            raise BadReply(message, provider=self.caller.provider, model=self.caller.model)
        reason = REASONS.get(self._finish, "end")
        calls = [self._parse(call, reason) for call in self._calls]
        chunks: list[Chunk] = [*self._splitter.finish()]
        if self.schema_tool:
            chunks += [TextChunk(call.raw) for call in self._calls if call.name == self.schema_tool]
            return [*chunks, Done("end" if reason == "tool_calls" else reason, self._usage)]
        if reason in ("end", "stop_sequence") and calls:
            reason = "tool_calls"
        if reason == "tool_calls" and not calls:
            reason = "end"
        return [*chunks, *calls, Done(reason, self._usage)]

    def note(self, metadata: Json) -> None:
        """Finish reason and the like from what came beside the answer."""
        for key in FINISH_KEYS:
            self._finished(metadata.get(key))
        details: Any = metadata.get("incomplete_details")  # Any: decoded JSON
        if details:
            self._finished(details.get("reason"))
        elif metadata.get("status") in ("completed", "incomplete"):  # OpenAI's Responses API
            self._finished(metadata["status"])
        if metadata.get("done") is True and not self._finish:  # Ollama before it had done_reason
            self._finished("stop")

    def count(self, usage: Json) -> None:
        """Token counts; LangChain's pieces hold differences, to be added up."""
        details: Json = usage.get("input_token_details") or {}
        found = Usage(
            int(usage.get("input_tokens") or 0),
            int(usage.get("output_tokens") or 0),
            int(details.get("cache_read") or 0),
            cache_written_tokens=sum(int(details.get(name) or 0) for name in CACHE_WRITES),
        )
        self._usage = found if self._usage is None else self._usage + found

    def _finished(self, reason: object) -> None:
        name = str(getattr(reason, "name", reason) if reason is not None else "").lower()
        if name not in UNFINISHED:
            self._finish = name

    def _message(self, message: BaseMessage) -> list[Chunk]:
        chunks: list[Chunk] = [*self._beside(message.additional_kwargs)]
        content: Any = message.content  # Any: a string, or blocks of any vendor
        for block in [content] if isinstance(content, str) else content:
            chunks += self._splitter.feed(encodable(block)) if isinstance(block, str) else self._block(block)
        self.note(message.response_metadata)
        if isinstance(message, AIMessage):
            if message.usage_metadata:
                self.count(message.usage_metadata)
            if isinstance(message, AIMessageChunk):
                self._collect(message)
            else:
                self._calls += _whole_calls(message)
        return chunks

    def _beside(self, extra: Json) -> Iterable[Chunk]:
        signatures = extra.get(GEMINI_SIGNATURES)
        if isinstance(signatures, Mapping):
            self._signatures.update(signatures)  # pyright: ignore[reportUnknownArgumentType] - decoded JSON
        for key in ("reasoning_content", "reasoning"):
            thought = extra.get(key)
            if isinstance(thought, str) and thought:
                yield ThinkingChunk(encodable(thought))
                break
        refusal = extra.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._finished("refusal")
            yield TextChunk(refusal)

    def _block(self, block: Json) -> Iterable[Chunk]:
        match block.get("type"):
            case "text" | "output_text":
                yield from self._splitter.feed(encodable(str(block.get("text") or "")))
            case "thinking":
                text, signature = encodable(str(block.get("thinking") or "")), str(block.get("signature") or "")
                if text or signature:
                    yield ThinkingChunk(text, signature)
            case "redacted_thinking":
                yield ThinkingChunk("", str(block.get("data") or ""), redacted=True)
            case "reasoning" | "reasoning_content":
                if text := _reasoning(block):
                    yield ThinkingChunk(text)
            case "refusal":
                self._finished("refusal")
                yield TextChunk(str(block.get("refusal") or ""))
            case _:
                pass  # calls come beside the content; pictures and citations have no place in the port yet

    def _collect(self, message: AIMessageChunk) -> None:
        for piece in message.tool_call_chunks:
            index, id_, name = piece.get("index"), piece.get("id") or "", piece.get("name") or ""
            call = self._open_call(index, id_, name)
            if call is None:
                call = _Call(index, id_, name, "")
                self._calls.append(call)
            call.id, call.name = call.id or id_, call.name or name
            call.raw += piece.get("args") or ""

    def _open_call(self, index: object, id_: str, name: str) -> _Call | None:
        """The call that a piece belongs to. Some services give every call the index 0, or none at all."""
        if index is None:
            starts = bool(name) and (not self._calls or id_ != self._calls[-1].id or not id_)
            return None if starts or not self._calls else self._calls[-1]
        found = next((call for call in reversed(self._calls) if call.index == index), None)
        return None if found is None or (id_ and found.id and id_ != found.id) else found

    def _parse(self, call: _Call, reason: StopReason) -> ToolCall | BadToolCall:
        id_ = call.id or f"call_{uuid4().hex[:12]}"
        if reason == "length":
            return refuse_cut(id_, call.name, call.raw)
        if not call.name:
            return BadToolCall(id_, "", call.raw, "The call names no tool, so nothing ran.")
        parsed = parse_call(id_, call.name, call.raw)
        signature = self._signatures.get(call.id, "")
        if isinstance(parsed, ToolCall) and signature:
            return ToolCall(parsed.id, parsed.name, parsed.args, signature)
        return parsed


def _whole_calls(message: AIMessage) -> Iterable[_Call]:
    """The calls of an answer that came in one piece, as raw as LangChain kept them."""
    raw_calls: Any = message.additional_kwargs.get("tool_calls")  # Any: OpenAI's JSON
    if isinstance(raw_calls, list) and all(isinstance(call, Mapping) and "function" in call for call in raw_calls):  # pyright: ignore[reportUnknownVariableType] - decoded JSON
        yield from (_raw_call(call) for call in raw_calls)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - decoded JSON
        return
    for call in message.tool_calls:
        yield _Call(None, call["id"] or "", call["name"], json.dumps(call["args"], ensure_ascii=False))
    for bad in message.invalid_tool_calls:
        yield _Call(None, bad["id"] or "", bad["name"] or "", bad["args"] or "")


def _raw_call(call: Json) -> _Call:
    function: Json = call["function"]
    arguments: object = function.get("arguments") or ""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return _Call(None, str(call.get("id") or ""), str(function.get("name") or ""), raw)


def _reasoning(block: Json) -> str:
    """Thinking as LangChain's own blocks, OpenAI's Responses API and Bedrock write it."""
    inner: Any = block.get("reasoning") or block.get("reasoning_content")  # Any: decoded JSON
    if isinstance(inner, Mapping):
        inner = inner.get("text")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - decoded JSON
    if isinstance(inner, str):
        return inner
    parts: Any = block.get("summary") or []  # Any: decoded JSON
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, Mapping))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] - decoded JSON
