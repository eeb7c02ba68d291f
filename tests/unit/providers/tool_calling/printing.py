"""Feeding a text to the parser in pieces."""

from collections.abc import Sequence

from ally.messages import BadToolCall, ToolCall, ToolSpec
from ally.providers.model import TextChunk, ThinkingChunk
from ally.providers.tool_calling.printed import Printed, PrintedCalls
from ally.providers.wire.calls import CallIds
from tests.unit.providers.tool_calling.printed_samples import TOOLS

Seen = list[object]


class Thought(str):
    """Thinking, after a "?"."""

    __slots__ = ()


def parse(
    pieces: Sequence[str], *, anywhere: bool = False, cut: bool = False, tools: Sequence[ToolSpec] = TOOLS
) -> list[Printed]:
    parser = PrintedCalls(tools, CallIds([]), anywhere=anywhere)
    found: list[Printed] = []
    for piece in pieces:
        found += parser.feed(piece)
    return found + parser.finish(cut=cut)


def summary(found: Sequence[Printed]) -> Seen:
    """Text as str, thinking as str after "?", calls as (name, args), bad calls as (name, None)."""
    seen: Seen = []
    for one in found:
        match one:
            case TextChunk(text) | ThinkingChunk(text):
                kind = str if isinstance(one, TextChunk) else Thought
                before = seen.pop() if seen and type(seen[-1]) is kind else "" if kind is str else "?"
                seen.append(kind(f"{before}{text}"))
            case ToolCall():
                seen.append((one.name, one.args))
            case BadToolCall():
                seen.append((one.name, None))
    return seen


def read(text: str, *, anywhere: bool = False, cut: bool = False) -> Seen:
    """The summary of `text`, fed at once and byte by byte, which must be the same."""
    once = summary(parse([text], anywhere=anywhere, cut=cut))
    assert summary(parse(list(text), anywhere=anywhere, cut=cut)) == once
    return once
