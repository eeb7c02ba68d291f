"""What tools do, in plain lines."""

from collections.abc import Iterator
from dataclasses import dataclass

from ally.cli.table import cut
from ally.cli.terminal import clean, one_line
from ally.events import Event, PermissionDenied, ToolFinished, ToolProgress, ToolRequested
from ally.messages import BadToolCall, ToolCall, ToolResult

SHOWN_LINES = 30
LINE_COLUMNS = 400
_SUBJECT_COLUMNS = 160
_SUBJECTS = ("command", "path", "pattern", "url", "query", "id")
"""Arguments that say best what a call is about, in this order."""


@dataclass(slots=True)
class _Running:
    """A call that has begun: its title, output lines shown and left out, and the beginning of the next line."""

    title: str
    shown: int = 0
    hidden: int = 0
    begun: str = ""
    is_denied: bool = False


class Activity:
    """Turns events of tools into lines for a person; a long output is shown in part and the rest counted."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}

    def lines(self, event: Event) -> Iterator[str]:
        """What `event` adds, without control characters; nothing for events that are not about tools."""
        match event:
            case ToolRequested(call):
                self._running[call.id] = _Running(title_of(call))
                yield f"· {self._running[call.id].title}"
            case ToolProgress(call_id, text):
                yield from self._progress(self._of(call_id), text)
            case PermissionDenied(call, rule, reason):
                self._of(call.id).is_denied = True
                because = " — ".join(one_line(text) for text in (reason, rule) if text)
                yield f"  ✗ {self._named(call.id)}not allowed: {because}"
            case ToolFinished(result):
                yield from self._finish(result)
            case _:
                pass

    def _progress(self, running: _Running, text: str) -> Iterator[str]:
        *lines, running.begun = (running.begun + clean(text)).split("\n")
        running.begun = running.begun[:LINE_COLUMNS]
        for line in lines:
            if running.shown < SHOWN_LINES:
                running.shown += 1
                yield f"  │ {cut(line, LINE_COLUMNS)}"
            else:
                running.hidden += 1

    def _finish(self, result: ToolResult) -> Iterator[str]:
        running = self._of(result.call_id)
        if running.begun:
            yield from self._progress(running, "\n")
        if running.hidden:
            yield f"  │ … {running.hidden} more line{'s' if running.hidden > 1 else ''}"
        text = result.for_user or (result.for_model if result.is_error and not running.is_denied else "")
        mark = "✗" if result.is_error else "→"
        named = self._named(result.call_id)
        self._running.pop(result.call_id, None)
        if not text.strip():
            return
        first, *rest = clean(text).strip("\n").split("\n")
        yield f"  {mark} {named}{cut(first, LINE_COLUMNS)}"
        yield from (f"    {cut(line, LINE_COLUMNS)}" for line in rest[:SHOWN_LINES])
        if len(rest) > SHOWN_LINES:
            yield f"    … {len(rest) - SHOWN_LINES} more lines"

    def _of(self, call_id: str) -> _Running:
        return self._running.setdefault(call_id, _Running(""))

    def _named(self, call_id: str) -> str:
        """The call's title, where several run and a line would be ambiguous."""
        title = self._of(call_id).title
        return f"{title}: " if len(self._running) > 1 and title else ""


def title_of(call: ToolCall | BadToolCall) -> str:
    """The tool and what it is about, on one line."""
    if isinstance(call, BadToolCall):
        return f"{one_line(call.name)} (unusable call)"
    said = [call.args[name] for name in _SUBJECTS if name in call.args]
    text = next((str(value) for value in said if isinstance(value, str | int)), "")
    lines = text.strip().split("\n")
    more = f" (+{len(lines) - 1} lines)" if len(lines) > 1 else ""
    return f"{one_line(call.name)} {cut(one_line(lines[0]), _SUBJECT_COLUMNS)}{more}".rstrip()
