"""What one request cost the server, and where it stopped being the continuation of the one before."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Read:
    """One request as the server counted it; times are of the clock that all processes share.

    `is_step`: of the conversation itself, not beside it (a title for the session, say).
    """

    prompt_tokens: int
    reused: int
    is_step: bool
    tools: int
    arrived_at: float
    first_token_at: float
    breaks_at: str = ""

    @property
    def prefilled(self) -> int:
        """Tokens that the server had to read."""
        return self.prompt_tokens - self.reused


def reuse_of(reads: Sequence[Read]) -> float:
    """How much of what could be taken from the cache was: the whole prompt of the step before, from the second on."""
    steps = [read for read in reads if read.is_step]
    there = sum(min(before.prompt_tokens, after.prompt_tokens) for before, after in pairwise(steps))
    return sum(min(after.reused, before.prompt_tokens) for before, after in pairwise(steps)) / there if there else 0.0


def find_break(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """Where `after` does not begin with `before`: "tools", or "message 3 (user): ...was|is..."; empty: it does."""
    if before is None:
        return ""
    if before.get("tools") != after.get("tools"):
        return f"tools: {_differ(json.dumps(before.get('tools')), json.dumps(after.get('tools')))}"
    for number, (old, new) in enumerate(zip(before["messages"], after["messages"], strict=False)):
        if old != new:
            return f"message {number} ({old['role']}): {_differ(json.dumps(old), json.dumps(new))}"
    missing = len(before["messages"]) - len(after["messages"])
    return f"{missing} messages are gone" if missing > 0 else ""


def _differ(old: str, new: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    begin = max(0, at - _SHOWN // 2)
    return f"{old[begin : at + _SHOWN]!r} became {new[begin : at + _SHOWN]!r}"
