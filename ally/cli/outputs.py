"""The three shapes of a one-shot's standard output."""

import json
import sys
from pathlib import Path
from typing import Protocol

from ally.cli.outcome import LIMITS, Outcome, citation_object
from ally.events import Cited, Compacted, Event, MessageFinished, TextDelta, ThinkingDelta, ToolFinished, TurnStarted
from ally.messages import AssistantMessage, BadToolCall, JsonObject, Text, Thinking, ToolCall, ToolResult
from ally.terminal.text import clean


class Output(Protocol):
    """Writes a run to stdout."""

    def show(self, event: Event) -> None:
        """Write what `event` adds."""
        ...

    def finish(self, outcome: Outcome) -> None:
        """Write the end."""
        ...


class TextOutput:
    """The answer as it arrives; control characters are taken out when a terminal reads it."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._last = "\n"

    def show(self, event: Event) -> None:
        if isinstance(event, TextDelta):
            self._write(clean(event.text) if self._is_terminal else event.text)
        elif isinstance(event, MessageFinished):
            self._end_line()

    def finish(self, outcome: Outcome) -> None:
        self._end_line()

    def _end_line(self) -> None:
        if self._last != "\n":
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self._last = text[-1]


class FormOutput(TextOutput):
    """The last answer alone: what came before it was on the way to the form that was asked for."""

    def show(self, event: Event) -> None:
        pass

    def finish(self, outcome: Outcome) -> None:
        self._write(clean(outcome.result) if self._is_terminal else outcome.result)
        super().finish(outcome)


class JsonOutput:
    """One object at the end."""

    def show(self, event: Event) -> None:
        pass

    def finish(self, outcome: Outcome) -> None:
        write_line(outcome.as_json())


class StreamJsonOutput:
    """One object a line, in the shape of Claude Code's `stream-json`."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def show(self, event: Event) -> None:
        match event:
            case TurnStarted(provider, model):
                self._line(
                    "system",
                    subtype="init",
                    cwd=str(Path.cwd()),
                    provider=provider,
                    model=model,
                    agent=self._outcome.agent,
                    tools=self._outcome.tools,
                    mcp_servers=[],
                    permissionMode=self._outcome.permission_mode,
                )
            case TextDelta(text):
                self._delta({"type": "text_delta", "text": text})
            case ThinkingDelta(text):
                self._delta({"type": "thinking_delta", "thinking": text})
            case Cited(citation) if citation.is_found:
                self._delta({"type": "citations_delta", "citation": citation_object(citation)})
            case MessageFinished(message):
                self._line("assistant", message=self._assistant(message), parent_tool_use_id=None)
            case ToolFinished(result):
                message = {"role": "user", "content": [_result_block(result)]}
                self._line("user", message=message, parent_tool_use_id=None)
            case Compacted(before, after):
                counts = {"trigger": "auto", "pre_tokens": before, "post_tokens": after}
                self._line("system", subtype="compact_boundary", compact_metadata=counts)
            case _:
                pass

    def finish(self, outcome: Outcome) -> None:
        subtype = "success"
        if outcome.error is not None or outcome.stop_reason == "interrupted":
            subtype = "error_during_execution"
        elif outcome.stop_reason in LIMITS:
            subtype = f"error_{outcome.stop_reason}"
        self._line("result", subtype=subtype, **outcome.as_json())

    def _delta(self, delta: JsonObject) -> None:
        self._line("stream_event", event={"type": "content_block_delta", "index": 0, "delta": delta})

    def _assistant(self, message: AssistantMessage) -> JsonObject:
        return {
            "type": "message",
            "role": "assistant",
            "model": self._outcome.model,
            "content": _content(message),
        }

    def _line(self, type: str, **fields: object) -> None:  # noqa: A002 - the field's public name
        write_line({"type": type, "session_id": self._outcome.session_id, **fields})


def write_line(value: JsonObject) -> None:
    """`value` as one line of ASCII-safe JSON, so that no terminal or pipe can damage or obey it."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def open_output(output_format: str, outcome: Outcome, *, has_schema: bool) -> Output:
    """The output for a value of `--output-format`; with a schema the text is the JSON and nothing else."""
    match output_format:
        case "json":
            return JsonOutput()
        case "stream-json":
            return StreamJsonOutput(outcome)
        case _:
            return FormOutput() if has_schema else TextOutput()


def _content(message: AssistantMessage) -> list[JsonObject]:
    """The parts as the user saw them; the first text has the citations that were found."""
    blocks = [_block(part) for part in message.shown_parts]
    found = [citation_object(one) for one in message.citations if one.is_found]
    text = next((block for block in blocks if block["type"] == "text"), None)
    if found and text is not None:
        text["citations"] = found
    return blocks


def _block(part: Text | Thinking | ToolCall | BadToolCall) -> JsonObject:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Thinking(text):
            return {"type": "thinking", "thinking": text}
        case ToolCall(id, name, args):
            return {"type": "tool_use", "id": id, "name": name, "input": args}
        case BadToolCall(id, name, raw):
            return {"type": "tool_use", "id": id, "name": name, "input": {}, "invalid_input": raw}


def _result_block(result: ToolResult) -> JsonObject:
    return {
        "type": "tool_result",
        "tool_use_id": result.call_id,
        "content": result.for_model,
        "is_error": result.is_error,
    }
