"""What a one-shot run came to, gathered from its events."""

import time
from dataclasses import dataclass, field

from ally.errors import AllyError
from ally.events import (
    Cited,
    Event,
    MessageFinished,
    PermissionDenied,
    ToolFinished,
    ToolRequested,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    UsageReported,
)
from ally.messages import AssistantMessage, BadToolCall, Citation, JsonObject, ToolCall, ToolResult

LIMITS = ("max_turns", "max_seconds", "runaway")
"""Why a turn was stopped without having failed."""


@dataclass(slots=True)
class Outcome:
    """The result object of `--output-format json`; the names in `as_json` are public."""

    session_id: str
    agent: str
    provider: str | None = None
    model: str | None = None
    result: str = ""
    stop_reason: str | None = None
    error: AllyError | None = None
    num_turns: int = 0
    tool_calls: list[JsonObject] = field(default_factory=list[JsonObject])
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    structured_output: object = None
    citations: list[JsonObject] = field(default_factory=list[JsonObject])
    citations_struck: int = 0
    permission_denials: list[JsonObject] = field(default_factory=list[JsonObject])
    tools: list[str] = field(default_factory=list[str])
    permission_mode: str = "ask"
    started_at: float = field(default_factory=time.monotonic)

    def add(self, event: Event) -> None:
        """Take the next event of the turn."""
        match event:
            case TurnStarted(provider, model):
                self.provider, self.model = provider, model
            case MessageFinished(message):
                self.num_turns += 1
                self.result = message.shown_text
            case Cited(citation):
                self._cite(citation)
            case UsageReported(input_tokens, output_tokens, cached):
                self.input_tokens += input_tokens
                self.output_tokens += output_tokens
                self.cached_input_tokens += cached
            case ToolRequested(call):
                given = call.raw if isinstance(call, BadToolCall) else call.args
                self.tool_calls.append({"id": call.id, "name": call.name, "input": given, "is_error": None})
            case ToolFinished(result):
                self._note(result)
            case PermissionDenied(call, rule, reason):
                self.permission_denials.append(_denial(call, rule, reason))
            case TurnFinished(reason):
                self.stop_reason = reason
            case TurnInterrupted(partial):
                self._keep(partial, "interrupted")
            case TurnFailed(error, partial):
                self._keep(partial, "error")
                self.error = error
            case _:
                pass

    def as_json(self) -> JsonObject:
        """The public shape, field by field."""
        error = self.error
        return {
            "session_id": self.session_id,
            "agent": self.agent,
            "provider": self.provider,
            "model": self.model,
            "result": self.result,
            "stop_reason": self.stop_reason,
            "is_error": error is not None,
            "error": error and {"type": type(error).__name__, "message": error.message, "hint": error.hint},
            "num_turns": self.num_turns,
            "tool_calls": self.tool_calls,
            "usage": {
                "input_tokens": self.input_tokens,
                "output_tokens": self.output_tokens,
                "cached_input_tokens": self.cached_input_tokens,
            },
            "duration_ms": round((time.monotonic() - self.started_at) * 1000),
            "permission_denials": self.permission_denials,
            "citations": self.citations,
            "citations_struck": self.citations_struck,
            "structured_output": self.structured_output,
        }

    def _keep(self, partial: AssistantMessage | None, stop_reason: str) -> None:
        self.stop_reason = stop_reason
        if partial is not None:
            self.result = partial.shown_text

    def _note(self, result: ToolResult) -> None:
        for asked in self.tool_calls:
            if asked["id"] == result.call_id:
                asked["is_error"] = result.is_error

    def _cite(self, citation: Citation) -> None:
        """What was found is told once, what was not is counted."""
        if not citation.is_found:
            self.citations_struck += 1
        elif (found := citation_object(citation)) not in self.citations:
            self.citations.append(found)


def citation_object(citation: Citation) -> JsonObject:
    """A citation that was found, as JSON; lines are 0 where the format has none."""
    return {
        "number": citation.number,
        "path": citation.path,
        "line_start": citation.line_start,
        "line_end": citation.line_end,
        "label": citation.label,
        "quote": citation.quote,
    }


def _denial(call: ToolCall, rule: str, reason: str) -> JsonObject:
    return {
        "tool_name": call.name,
        "tool_use_id": call.id,
        "tool_input": call.args,
        "reason": reason,
        "rule": rule,
    }
