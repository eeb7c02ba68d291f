"""How much of each prompt the server read anew, and what stopped it from going on where it was."""

from dataclasses import dataclass
from typing import TypeVar

from ally.providers.model import Request, Usage

N = TypeVar("N", int, float)

SLACK_SHARE, SLACK_TOKENS = 0.05, 128
"""What may be read again with nothing wrong: templates write the last answer anew, caches keep whole blocks."""

DROPPED = "nothing changed, so the server had dropped it"


@dataclass(frozen=True, slots=True)
class Reading:
    """One prompt, or all of a turn: tokens read anew and taken from the cache (None: the service does not say).

    `broken_at` is where the prompt stopped being that of the request before, empty if it did not. `seconds` is the
    server's own measure, None if it gives none.
    """

    requests: int = 0
    prefilled: int = 0
    reused: int | None = None
    broken_at: str = ""
    seconds: float | None = None

    def __add__(self, other: "Reading") -> "Reading":
        return Reading(
            self.requests + other.requests,
            self.prefilled + other.prefilled,
            _sum(self.reused, other.reused),
            self.broken_at or other.broken_at,
            _sum(self.seconds, other.seconds),
        )


class Meter:
    """Compares what the service counted with what was sent before."""

    def __init__(self) -> None:
        self.turn = Reading()
        """What the running turn has read, else the last one."""
        self._before: Request | None = None
        self._tokens = 0
        self._has_kept = self._said_dropped = False

    @property
    def before(self) -> tuple[Request, int] | None:
        """The last request and how many tokens it had, None if the next one is not meant to begin like it."""
        return None if self._before is None else (self._before, self._tokens)

    def start_turn(self) -> None:
        """Count from zero."""
        self.turn = Reading()

    def forget(self) -> None:
        """The next request is not meant to begin like the last one."""
        self._before = None

    def read(self, request: Request, usage: Usage) -> Reading:
        """What it took to read `request`."""
        if not usage.input_tokens:  # the service does not count
            return Reading()
        reused = usage.cached_input_tokens if usage.reports_cache or usage.cached_input_tokens else None
        self._has_kept = self._has_kept or bool(reused)
        broken_at = ""
        if self._before is not None and reused is not None:
            missing = self._tokens - reused
            if missing > max(SLACK_TOKENS, SLACK_SHARE * self._tokens):
                broken_at = find_break(self._before, request) or self._dropped()
        self._before, self._tokens = request, usage.input_tokens
        reading = Reading(1, usage.input_tokens - (reused or 0), reused, broken_at, usage.prefill_s)
        self.turn += reading
        return reading

    def _dropped(self) -> str:
        """Of a server that has never kept anything it is said once only."""
        is_news = self._has_kept or not self._said_dropped
        self._said_dropped = True
        return DROPPED if is_news else ""


def find_break(before: Request, after: Request) -> str:
    """The first part of `after` that is not as in `before`; empty if `after` only goes on from there."""
    if before.system != after.system:
        return "the system prompt changed"
    if tuple(before.tools) != tuple(after.tools):
        return "the tools changed"
    for place, message in enumerate(before.messages):
        if place >= len(after.messages):
            return f"message {place + 1} is gone"
        if message is not after.messages[place] and message != after.messages[place]:
            return f"message {place + 1} ({message.role}) changed"
    return ""


def _sum(first: N | None, second: N | None) -> N | None:
    return first if second is None else second if first is None else first + second
