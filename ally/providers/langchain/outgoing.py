"""Ally's messages as LangChain's, or as one text for a completion LLM."""

import base64
import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages import ToolMessage as LangChainToolMessage
from langchain_core.messages.tool import ToolCall as LangChainToolCall

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
from ally.providers.langchain.vendor import Family
from ally.providers.model import Request, ToolSpec
from ally.providers.text import encodable

GEMINI_SIGNATURES = "__gemini_function_call_thought_signatures__"
"""The key under which langchain-google-genai keeps the signatures of calls."""
SPEAKERS = {"user": "User", "assistant": "Assistant", "tool": "Tool"}
NEXT_SPEAKER = f"\n{SPEAKERS['user']}:"
"""Where a completion LLM begins to write the user's part."""

Content = list[str | dict[str, Any]]  # Any: content blocks are JSON-like


def chat_messages(request: Request, family: Family, *, tools: bool) -> list[BaseMessage]:
    """The conversation for a chat model; without `tools`, calls and results of earlier turns become text."""
    messages: list[BaseMessage] = [SystemMessage(encodable(request.system))] if request.system else []
    for message in request.messages:
        match message:
            case UserMessage(parts):
                messages.append(_user(parts))
            case AssistantMessage(parts) if tools:
                messages.extend(_assistant(parts, family))
            case AssistantMessage():
                messages.extend([AIMessage(text)] if (text := _as_text(message)) else [])
            case ToolMessage(results) if tools:
                messages.extend(_result(result) for result in results)
                messages.extend(_pictures(results))
            case ToolMessage():
                messages.append(HumanMessage(_as_text(message)))
    return messages


def prompt(request: Request) -> str:
    """The conversation as one text; a lone question stays as it is."""
    if not is_transcript(request):
        return "".join(_as_text(message) for message in request.messages)
    lines = [encodable(request.system)] if request.system else []
    lines += [f"{SPEAKERS[message.role]}: {_as_text(message)}" for message in request.messages]
    return "\n\n".join([*lines, f"{SPEAKERS['assistant']}:"])


def is_transcript(request: Request) -> bool:
    """Whether `prompt` writes the speakers' names."""
    return bool(request.system) or len(request.messages) != 1


def tool_schemas(tools: Sequence[ToolSpec]) -> list[JsonObject]:
    """The tools in OpenAI's format, which every `bind_tools` reads; copies, because some change what they are given."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": copy.deepcopy(tool.parameters),
            },
        }
        for tool in tools
    ]


def _user(parts: Sequence[Text | Image]) -> HumanMessage:
    if all(isinstance(part, Text) for part in parts):
        return HumanMessage(encodable("".join(part.text for part in parts if isinstance(part, Text))))
    content: Content = []
    for part in parts:
        match part:
            case Text(text):
                content.append({"type": "text", "text": encodable(text)})
            case Image(data, media_type):
                url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
                content.append({"type": "image_url", "image_url": {"url": url}})
    return HumanMessage(content)


def _assistant(parts: Sequence[Text | Thinking | ToolCall | BadToolCall], family: Family) -> Iterator[AIMessage]:
    calls = [_call(part) for part in parts if isinstance(part, ToolCall | BadToolCall)]
    text = encodable("".join(part.text for part in parts if isinstance(part, Text)))
    thoughts = [part for part in parts if isinstance(part, Thinking)]
    blocks = [block for thought in thoughts if (block := _thinking_block(thought, family)) is not None]
    extra: JsonObject = {}
    signatures = {part.id: part.signature for part in parts if isinstance(part, ToolCall) and part.signature}
    if signatures and family == "google":
        extra[GEMINI_SIGNATURES] = signatures
    if thoughts and family in ("ollama", "groq"):
        extra["reasoning_content"] = "".join(thought.text for thought in thoughts)
    if not (text or calls):
        return
    content: str | Content = text
    if blocks:
        content = [*blocks, *([{"type": "text", "text": text}] if text else [])]
    yield AIMessage(content, tool_calls=calls, additional_kwargs=extra)


def _thinking_block(thought: Thinking, family: Family) -> JsonObject | None:
    """The block that has to go back to the service; unsigned thinking is nowhere wanted."""
    if not thought.signature or family not in ("anthropic", "google"):
        return None
    if thought.redacted:
        return {"type": "redacted_thinking", "data": thought.signature} if family == "anthropic" else None
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature}


def _call(call: ToolCall | BadToolCall) -> LangChainToolCall:
    args = call.args if isinstance(call, ToolCall) else {"invalid_arguments": encodable(call.raw)}
    return LangChainToolCall(name=call.name or "unnamed", args=args, id=call.id)


def _result(result: ToolResult) -> LangChainToolMessage:
    status = "error" if result.is_error else "success"
    return LangChainToolMessage(result.for_model, tool_call_id=result.call_id, name=result.name or None, status=status)


def _pictures(results: Sequence[ToolResult]) -> Iterator[HumanMessage]:
    """The pictures of the results as the user's: tool messages of most services are text only."""
    for result in results:
        if result.images:
            yield _user((Text(f"[from the tool {result.name or 'call'}]"), *result.images))


def _as_text(message: Message) -> str:
    """A message for a model that knows only text; thinking and pictures are left out."""
    lines: list[str] = []
    match message:
        case UserMessage(parts):
            lines = [part.text if isinstance(part, Text) else "[picture]" for part in parts]
        case ToolMessage(results):
            for result in results:
                lines += [f"[{result.name or 'tool'} answered] {result.for_model}", *["[picture]"] * len(result.images)]
        case AssistantMessage(parts):
            for part in parts:
                match part:
                    case Text(text):
                        lines.append(text)
                    case ToolCall(_, name, args):
                        lines.append(f"[called {name} with {json.dumps(args, ensure_ascii=False)}]")
                    case BadToolCall(_, name, raw):
                        lines.append(f"[called {name} with {raw}]")
                    case Thinking():
                        pass
    return encodable("\n".join(lines))
