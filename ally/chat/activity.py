"""What tools do, in plain lines, and the words for it that every front end uses."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ally.events import CallEdited, Event, PermissionDenied, ToolFinished, ToolProgress, ToolRequested
from ally.messages import BadToolCall, ToolCall, ToolResult
from ally.terminal.table import cut
from ally.terminal.text import clean, one_line
from ally.tools.output import plain

SHOWN_LINES = 20
LAST_LINES = 10
"""Of a long output the beginning is shown as it comes, and this much of its end."""
LINE_COLUMNS = 400
_BEGUN_CHARS = 4_000
_SUBJECT_COLUMNS = 160
_SUBJECTS = ("command", "path", "pattern", "url", "query", "id")
"""Arguments that say best what a call is about, in this order."""
_VERB_WORDS = 2  # "looked at"
_MEASURED = re.compile(r", (\d+\.\d) s(?=,|$)")
_TIER = re.compile(r", sandbox \w+$")


@dataclass(slots=True)
class _Running:
    """A call that has begun: its title, output lines shown and not, the last of these, and the next line so far."""

    title: str
    shown: int = 0
    hidden: int = 0
    last: deque[str] = field(default_factory=lambda: deque[str](maxlen=LAST_LINES))
    begun: str = ""
    is_denied: bool = False


class Activity:
    """Turns events of tools into lines for a person; a long output is shown in part and the rest counted."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}
        self._is_several = False

    def lines(self, event: Event) -> Iterator[str]:
        """What `event` adds, without control characters; nothing for events that are not about tools."""
        match event:
            case ToolRequested(call):
                self._is_several = bool(self._running)
                self._running[call.id] = _Running(title_of(call))
                yield f"· {self._running[call.id].title}"
            case ToolProgress(call_id, text):
                yield from self._progress(self._of(call_id), text)
            case CallEdited(call):
                self._of(call.id).title = title_of(call)
                yield f"  ✎ changed by you: {title_of(call)}"
            case PermissionDenied(call, rule, reason):
                self._of(call.id).is_denied = True
                yield f"  ✗ {self._named(call.id)}{refusal(rule, reason)}"
            case ToolFinished(result):
                yield from self._finish(result)
            case _:
                pass

    def _progress(self, running: _Running, text: str) -> Iterator[str]:
        *lines, begun = (running.begun + text).split("\n")
        running.begun = begun if len(begun) <= _BEGUN_CHARS else begun.rpartition("\r")[2][:_BEGUN_CHARS]
        for line in lines:
            shown = f"  │ {cut(clean(plain(line)), LINE_COLUMNS)}"
            if running.shown < SHOWN_LINES:
                running.shown += 1
                yield shown
            else:
                running.hidden += 1
                running.last.append(shown)

    def _finish(self, result: ToolResult) -> Iterator[str]:
        running = self._of(result.call_id)
        if running.begun:
            yield from self._progress(running, "\n")
        if running.hidden > len(running.last):
            yield "  │ …"
        yield from running.last
        mark = "✗" if result.is_error else "→"
        named = self._named(result.call_id)
        text = _told(result, running)
        self._running.pop(result.call_id, None)
        if not text:
            return
        first, *rest = text.split("\n")
        yield f"  {mark} {named}{cut(first, LINE_COLUMNS)}"
        yield from (f"    {cut(line, LINE_COLUMNS)}" for line in rest[:SHOWN_LINES])
        if len(rest) > SHOWN_LINES:
            yield f"    … {len(rest) - SHOWN_LINES} more lines"

    def _of(self, call_id: str) -> _Running:
        return self._running.setdefault(call_id, _Running(""))

    def _named(self, call_id: str) -> str:
        """The call's title, where several run and a line would be ambiguous."""
        title = self._of(call_id).title
        return f"{title}: " if self._is_several and title else ""


def refusal(rule: str, reason: str) -> str:
    """Why a call did not run: the rule is named where the user wrote it or the reason does not say it."""
    rule, reason = one_line(rule), one_line(reason)
    is_known = not rule or rule in reason or reason in rule or reason.startswith("the user said no")
    said = rule if reason in rule else reason
    return f"not allowed: {said.removeprefix('not allowed: ')}" + ("" if is_known or not reason else f" — {rule}")


def _told(result: ToolResult, running: _Running) -> str:
    """What the end of a call says; the output of a failed one was shown already, so only what comes after it."""
    if result.for_user:
        return clean(result.for_user).strip("\n").strip()
    if not result.is_error or running.is_denied:
        return ""
    text = clean(plain(result.for_model)).strip()
    return text.rpartition("\n")[2] if running.shown else text


def title_of(call: ToolCall | BadToolCall) -> str:
    """The tool and what it is about, on one line."""
    return f"{one_line(call.name)} {subject_of(call)}".rstrip()


def subject_of(call: ToolCall | BadToolCall) -> str:
    """What a call is about, on one line; "" if its arguments do not say it."""
    if isinstance(call, BadToolCall):
        return "(unusable call)"
    text = _subject(call)
    lines = text.strip().split("\n")
    more = f" (+{len(lines) - 1} lines)" if len(lines) > 1 else ""
    return f"{cut(one_line(lines[0]), _SUBJECT_COLUMNS)}{more}"


def outcome_of(call: ToolCall | BadToolCall, result: ToolResult) -> str:
    """How a call ended, in a few words that do not say again what `title_of` says; seconds and sandbox left out."""
    if isinstance(call, BadToolCall):
        return one_line(call.problem)
    said = one_line(result.for_user.strip().split("\n")[0])
    if not said and result.is_error:
        lines = clean(plain(result.for_model)).strip().split("\n")
        return one_line(lines[-1] if lines[-1].startswith("[") else lines[0])
    said = _TIER.sub("", _MEASURED.sub("", said))
    path = one_line(_subject(call)) if "path" in call.args else ""
    before, found, after = said.partition(f" {path}") if path else (said, "", "")
    is_whole = not after or after[0] in ",: "
    if (
        found
        and is_whole
        and before.isascii()
        and before.replace(" ", "").isalpha()
        and before.count(" ") < _VERB_WORDS
    ):
        return after.lstrip(",: ").removeprefix("which is ")  # of "edited a.py, +1 -1 lines" below "edit a.py"
    return said


def seconds_of(result: ToolResult) -> float | None:
    """How long the tool itself says it ran."""
    found = _MEASURED.search(result.for_user)
    return float(found[1]) if found else None


def _subject(call: ToolCall) -> str:
    said = [call.args[name] for name in _SUBJECTS if name in call.args]
    return next((str(value) for value in said if isinstance(value, str | int)), "")
