"""Noticing that a turn gets nowhere: the same call again and again, a cycle of calls, nothing but failures."""

import hashlib
import json
from collections.abc import Sequence

from ally.messages import BadToolCall, ToolCall, ToolResult

MAX_SAME_CALLS = 5
"""The same call with the same result, one round after the other."""

MAX_CHANGING_CALLS = 20
"""The same call whose result changes, as when something is waited for."""

LONGEST_CYCLE = 5
MAX_CYCLES = 3
"""How often a cycle of 2 to `LONGEST_CYCLE` rounds, results included, may come in a row."""

MAX_FAILED_ROUNDS = 12
"""Rounds in a row in which every call failed."""

MAX_ROUNDS = 1_000
"""The most rounds of one turn, whatever happens in them."""


class Runaway:
    """Watches the rounds of one turn."""

    def __init__(self) -> None:
        self._called: list[bytes] = []
        self._rounds: list[bytes] = []
        self._failed = 0

    def add(self, calls: Sequence[ToolCall | BadToolCall], results: Sequence[ToolResult]) -> str:
        """Take one more round; why the turn should stop, or nothing."""
        called = _digest([_spelled(call) for call in calls])
        self._called.append(called)
        self._rounds.append(called + _digest([result.for_model for result in results]))
        self._failed = self._failed + 1 if all(result.is_error for result in results) else 0
        names = ", ".join(dict.fromkeys(call.name for call in calls))
        if _ends_with_same(self._rounds, MAX_SAME_CALLS):
            return f"the same call of {names} came {MAX_SAME_CALLS} times in a row with the same result"
        if _ends_with_same(self._called, MAX_CHANGING_CALLS):
            return f"the same call of {names} came {MAX_CHANGING_CALLS} times in a row"
        for length in range(2, LONGEST_CYCLE + 1):
            if _ends_with_cycle(self._rounds, length, MAX_CYCLES):
                return f"the same {length} steps came {MAX_CYCLES} times in a row"
        if self._failed >= MAX_FAILED_ROUNDS:
            return f"{MAX_FAILED_ROUNDS} steps in a row failed"
        if len(self._rounds) >= MAX_ROUNDS:
            return f"the turn has taken {MAX_ROUNDS} steps"
        return ""


def _spelled(call: ToolCall | BadToolCall) -> list[object]:
    return [call.name, call.args if isinstance(call, ToolCall) else call.raw]


def _digest(value: object) -> bytes:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()


def _ends_with_same(values: list[bytes], times: int) -> bool:
    return len(values) >= times and len(set(values[-times:])) == 1


def _ends_with_cycle(values: list[bytes], length: int, times: int) -> bool:
    tail = values[-length * times :]
    return len(tail) == length * times and tail == tail[:length] * times
