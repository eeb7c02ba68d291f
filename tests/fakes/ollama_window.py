"""What Ollama does with a prompt that its window does not hold.

Source: `server/prompt.go` (whole messages), `runner/*/runner.go` before 0.30 and `llm/llama_server.go` since (tokens).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FRAME_TOKENS = 4
IMAGE_TOKENS = 768
NUM_KEEP = 4
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

Count = Callable[[str], int]
Message = Mapping[str, Any]


def count_bytes(text: str) -> int:
    """The fake's tokenizer: four bytes a token."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads: `tokens` of `sent` that were sent. `has_front`: system prompt and tools are there."""

    messages: Sequence[Message]
    tokens: int
    sent: int
    has_front: bool = True

    @property
    def is_cut(self) -> bool:
        """Whether something of what was sent is missing."""
        return self.tokens < self.sent


@dataclass(frozen=True, slots=True)
class Window:
    """A loaded model's window. `halves`: a prompt that is cut keeps half of it only, as since 0.30."""

    size: int
    halves: bool = False
    drops_thinking: bool = True
    count: Count = field(default=count_bytes)

    def read(self, messages: Sequence[Message], tools: Sequence[Any]) -> Prompt:
        """What is left of a prompt: first whole old messages go, then the front of what remains."""
        sent = self.tokens(messages, tools)
        kept = self._drop_messages(messages, tools)
        tokens = self.tokens(kept, tools)
        limit = self.size - 1 if self.halves else self.size
        if tokens <= limit:
            return Prompt(kept, tokens, sent)
        left = self.size - (self.size - NUM_KEEP) // 2 if self.halves else self.size
        return Prompt(kept[-1:], left, sent, has_front=False)

    def tokens(self, messages: Sequence[Message], tools: Sequence[Any]) -> int:
        """How many tokens the whole prompt has."""
        last_user = max((place for place, one in enumerate(messages) if one["role"] == "user"), default=0)
        total = sum(self._of(one, place > last_user) for place, one in enumerate(messages))
        return total + sum(FRAME_TOKENS + self.count(json.dumps(tool, ensure_ascii=False)) for tool in tools)

    def _of(self, message: Message, in_tool_loop: bool) -> int:
        shows_thinking = in_tool_loop or not self.drops_thinking
        calls = json.dumps(message["tool_calls"], ensure_ascii=False) if message.get("tool_calls") else ""
        texts = (message.get("content") or "", calls, message.get("thinking", "") if shows_thinking else "")
        return FRAME_TOKENS + sum(map(self.count, texts)) + IMAGE_TOKENS * len(message.get("images") or ())

    def _drop_messages(self, messages: Sequence[Message], tools: Sequence[Any]) -> Sequence[Message]:
        kept = messages
        for place in range(len(messages)):
            start = _block_start(messages, place)
            kept = [one for one in messages[:start] if one["role"] == "system"] + list(messages[start:])
            if self.tokens(kept, tools) <= self.size:
                break
        return kept


def _block_start(messages: Sequence[Message], place: int) -> int:
    """Results of tools never stay without the message that called them."""
    if place == 0 or messages[place]["role"] != "tool":
        return place
    start = place
    while start > 0 and messages[start - 1]["role"] == "tool":
        start -= 1
    before = messages[start - 1] if start else {}
    return start - 1 if before.get("role") == "assistant" and before.get("tool_calls") else place


def seconds(keep_alive: Any) -> float:
    """How long a model stays in memory; below 0 is for ever.

    Raises:
        ValueError: it is neither a number nor a duration with units.
    """
    if isinstance(keep_alive, bool) or not isinstance(keep_alive, int | float | str):
        raise ValueError(f"Unsupported type: '{type(keep_alive).__name__}'")
    if not isinstance(keep_alive, str):
        return float("inf") if keep_alive < 0 else float(keep_alive)
    found = re.fullmatch(r"([-+]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)", keep_alive)
    if keep_alive != "0" and not found:
        raise ValueError(f'time: invalid duration "{keep_alive}"')
    parts = re.findall(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)", found[2] if found else "")
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return float("inf") if found and found[1] == "-" else total
