"""What an open card shows of a call: its arguments as text, code or a change, and what came of it."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import cast

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ally.messages import NO_WAY_ROUND, BadToolCall, JsonObject, ToolCall, ToolResult
from ally.terminal.text import clean, one_line
from ally.tui.look import Look
from ally.tui.transcript.code import colored
from ally.tui.transcript.diff import diff_lines
from ally.tui.transcript.diff_rows import Texts
from ally.tui.transcript.output import Output
from ally.tui.transcript.rows import LazyStrips, cut, fold, joined, plain_strips, tidy

Parts = Iterator[Sequence[Strip]]

_COLORED_CHARS = 8_000
_LINE = re.compile(r", line (\d+):")


def called(call: ToolCall | BadToolCall, preview: str, result: ToolResult | None, look: Look, width: int) -> Parts:
    """The arguments; of an edit the change, with its lines numbered where they are known."""
    if isinstance(call, BadToolCall):
        yield plain_strips(call.problem, look.error, width)
        yield Output(call.raw).strips(width, look.text)
        return
    args = dict(call.args)
    edits = _edits(call)
    for name, value in args.items():
        if edits and name in ("edits", "old", "new"):
            continue
        if not (preview and name == "content"):
            yield _argument(name, value, _language(call), look, width)
    if preview:
        yield diff_lines(preview, width, look, look.diff)
        return
    found = _LINE.search(result.for_model) if result and len(edits) == 1 else None
    for old, new in edits:
        yield diff_lines(Texts(old, new, first=int(found[1]) if found else 0), width, look, look.diff)


def came(result: ToolResult, output: Output, look: Look, width: int) -> Parts:
    """What the tool printed and gave back, nothing of it twice."""
    text = clean(result.for_model.removesuffix(NO_WAY_ROUND)).rstrip()
    printed = "\n".join(output.lines).rstrip()
    if printed and not text.startswith(printed):
        yield _label(f"printed, {_lines(len(output.lines))}", look, width)
        yield output.strips(width, look.text)
    if text:
        whole = Output(text)
        yield _label(f"the model got {_lines(len(whole.lines))}", look, width)
        yield whole.strips(width, look.text)
    if result.for_user:
        yield plain_strips(result.for_user.strip(), look.dim, width)


def indented(strips: Sequence[Strip], indent: str) -> Sequence[Strip]:
    """`strips` further right, none of them made for it."""
    space = Segment(indent)
    return LazyStrips(range(1, len(strips) + 1), lambda at: [Strip([space, *strips[at]])])


def _argument(name: str, value: object, language: str, look: Look, width: int) -> Sequence[Strip]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    label = f"{one_line(name)}: "
    if "\n" not in text and len(label) + len(text) <= width:
        return [Strip(row) for row in fold([(label, look.dim), (tidy(text), look.text)], width)]
    if not isinstance(value, str):
        text, language = json.dumps(value, ensure_ascii=False, indent=2), "json"
    head = cut([(label.rstrip(), look.dim)], width)
    if len(text) > _COLORED_CHARS:
        return joined([[head], Output(text).strips(width, look.text)])
    lines = tuple(tidy(line) for line in text.rstrip("\n").split("\n"))
    return [head, *(Strip(row) for pieces in colored(lines, language, look) for row in fold(pieces, width))]


def _edits(call: ToolCall) -> list[tuple[str, str]]:
    """What is replaced by what, if that is what the call does."""
    edits: object = call.args.get("edits", [call.args])
    if not isinstance(edits, list):
        return []
    found: list[tuple[str, str]] = []
    for edit in cast("list[object]", edits):
        wish = cast("JsonObject", edit) if isinstance(edit, dict) else {}
        old, new = wish.get("old"), wish.get("new")
        if not isinstance(old, str) or not isinstance(new, str):
            return []
        found.append((old, new))
    return found


def _language(call: ToolCall) -> str:
    path = call.args.get("path")
    if "command" in call.args:
        return "bash"
    return PurePath(path).suffix.lstrip(".") if isinstance(path, str) else ""


def _label(text: str, look: Look, width: int) -> list[Strip]:
    return [cut([(text, look.dim + Style(italic=True))], width)]


def _lines(count: int) -> str:
    return f"{count:,} line{'s' if count != 1 else ''}"
