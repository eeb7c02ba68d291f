"""Estimates of token counts, where no service has counted yet."""

import json
from collections.abc import Iterable

from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Image,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolSpec,
    UserMessage,
)

BYTES_PER_TOKEN = 3.6
"""UTF-8 bytes a token; English prose has about 4.4 and code 3.2 with today's vocabularies (2026-11)."""

IMAGE_TOKENS = 1_600
MESSAGE_TOKENS = 4
"""What the frame of a message costs."""


def of_text(text: str) -> int:
    """About how many tokens `text` has; never too few by more than a quarter for prose and code."""
    return round(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN)


def of_message(message: Message) -> int:
    """About how many tokens a message has in a request."""
    match message:
        case UserMessage(parts, context):
            return MESSAGE_TOKENS + of_text(context) + sum(_of_part(part) for part in parts)
        case AssistantMessage(parts):
            return MESSAGE_TOKENS + sum(_of_part(part) for part in parts)
        case ToolMessage(results):
            return sum(
                MESSAGE_TOKENS + of_text(result.for_model) + IMAGE_TOKENS * len(result.images) for result in results
            )


def of_messages(messages: Iterable[Message]) -> int:
    """About how many tokens several messages have."""
    return sum(map(of_message, messages))


def of_tools(tools: Iterable[ToolSpec]) -> int:
    """About how many tokens the descriptions of tools have."""
    return sum(
        MESSAGE_TOKENS + of_text(tool.name + tool.description + json.dumps(tool.parameters, separators=(",", ":")))
        for tool in tools
    )


def _of_part(part: Text | Image | Thinking | ToolCall | BadToolCall) -> int:
    match part:
        case Text(text) | Thinking(text):
            return of_text(text)
        case Image():
            return IMAGE_TOKENS
        case ToolCall(name=name, args=args):
            return MESSAGE_TOKENS + of_text(name + json.dumps(args, ensure_ascii=False))
        case BadToolCall(name=name, raw=raw):
            return MESSAGE_TOKENS + of_text(name + raw)
