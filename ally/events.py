"""What happens in a turn, as one typed stream that every front end reads."""

from collections.abc import Iterable
from dataclasses import dataclass

from ally.errors import AllyError
from ally.messages import AssistantMessage, BadToolCall, Citation, ToolCall, ToolResult, UserMessage


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """First event of a turn."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More of the thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolRequested:
    """The model asked for a tool; followed by the `ToolFinished` of the same id."""

    call: ToolCall | BadToolCall


@dataclass(frozen=True, slots=True)
class Question:
    """What the user is asked before a call runs, all of it from the arguments that will run.

    `preview` is the diff of an edit, `scopes` how long an answer may hold, `remember` the rules it would then add.
    `arguments_sha256` binds the answer to the arguments. `rule` is what made it ask, `touches` what the call may do in
    full, one line each. `problem` says why what the user wrote in place of the arguments cannot run.
    """

    call: ToolCall
    subject: str
    reason: str
    preview: str = ""
    scopes: tuple[str, ...] = ("once",)
    remember: tuple[str, ...] = ()
    arguments_sha256: str = ""
    rule: str = ""
    touches: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PermissionAsked:
    """A call waits for the user's answer; comes after its `ToolRequested`."""

    question: Question


@dataclass(frozen=True, slots=True)
class CallEdited:
    """The user changed the arguments: what runs has those of `call`, not those of its `ToolRequested`."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class PermissionDenied:
    """A call does not run, by a rule or by the user; its `ToolFinished` follows."""

    call: ToolCall
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """More output of a tool that is running."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """The tool ran, or was refused; `result.call_id` is the id of the request."""

    result: ToolResult


@dataclass(frozen=True, slots=True)
class UserSaid:
    """A message that was queued while the turn ran is now part of it."""

    message: UserMessage


@dataclass(frozen=True, slots=True)
class Compacted:
    """The conversation was summarised to fit the model's window; token counts are estimates."""

    tokens_before: int
    tokens_after: int
    summary: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation of the answer was checked; the `TextDelta` that shows it follows."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class MessageFinished:
    """A whole assistant message, as it goes into the history; comes before its tools run."""

    message: AssistantMessage


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know, e.g. that a request is tried again in `retry_in_s` seconds."""

    text: str
    retry_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Tokens of one model call as the service counted them; `input_tokens` includes the cached ones.

    `broken_at` says why the prompt was read anew though the request before began like it; empty if it was not.
    `cache_written_tokens` are those of the input that the service put into its cache, where it says so.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    broken_at: str = ""
    cache_written_tokens: int = 0


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """Last event: the model is done, or Ally stopped it.

    `stop_reason` is a `StopReason`, or `max_turns`, `max_seconds` or `runaway` where Ally stopped it.
    """

    stop_reason: str


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """Last event: the turn cannot go on. `partial` is what had arrived, kept in the history."""

    error: AllyError
    partial: AssistantMessage | None = None


@dataclass(frozen=True, slots=True)
class TurnInterrupted:
    """Last event: the user stopped it. `partial` is what had arrived, kept in the history."""

    partial: AssistantMessage | None = None


Event = (
    TurnStarted
    | TextDelta
    | ThinkingDelta
    | ToolRequested
    | PermissionAsked
    | CallEdited
    | PermissionDenied
    | ToolProgress
    | ToolFinished
    | UserSaid
    | Compacted
    | Cited
    | MessageFinished
    | Notice
    | UsageReported
    | TurnFinished
    | TurnFailed
    | TurnInterrupted
)
FINAL = (TurnFinished, TurnFailed, TurnInterrupted)


def check_order(events: Iterable[Event]) -> None:
    """The law of the stream.

    `TurnStarted` first and once; exactly one final event, last; every `ToolRequested` is answered by one
    `ToolFinished` of the same id before the final event, except that an interrupted or failed turn may leave the
    request unanswered. What is asked, changed, denied or told of a call comes between its two.

    Raises:
        ValueError: the order is broken; the text says where.
    """
    seen = list(events)
    if not seen or not isinstance(seen[0], TurnStarted):
        raise ValueError("a turn starts with TurnStarted")
    if not isinstance(seen[-1], FINAL):
        raise ValueError(f"a turn ends with a final event, not {seen[-1]!r}")
    open_calls: list[str] = []
    for position, event in enumerate(seen):
        if isinstance(event, TurnStarted) and position > 0:
            raise ValueError(f"second TurnStarted at {position}")
        if isinstance(event, FINAL) and position < len(seen) - 1:
            raise ValueError(f"{event!r} at {position} is not the last event")
        if isinstance(event, ToolRequested):
            open_calls.append(event.call.id)
        if (about := _call_id(event)) is not None and about not in open_calls:
            raise ValueError(f"{type(event).__name__} at {position} is about no open request")
        if isinstance(event, ToolFinished):
            if event.result.call_id not in open_calls:
                raise ValueError(f"ToolFinished at {position} answers no open request")
            open_calls.remove(event.result.call_id)
    if open_calls and isinstance(seen[-1], TurnFinished):
        raise ValueError(f"unanswered tool calls: {open_calls}")


def _call_id(event: Event) -> str | None:
    match event:
        case PermissionAsked(question):
            return question.call.id
        case PermissionDenied(call) | CallEdited(call):
            return call.id
        case ToolProgress(call_id):
            return call_id
        case _:
            return None
