"""What a model writes as answer or as calls, while it arrives."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

from ally.messages import BadToolCall, JsonObject, ToolCall, ToolSpec
from ally.providers.arguments import parse_call, refuse_cut
from ally.providers.model import TextChunk, ThinkingChunk
from ally.providers.tool_calling.printed import PrintedCalls
from ally.providers.tool_calling.schema import ANSWER
from ally.providers.tool_calling.strings import JsonString
from ally.providers.wire.calls import CallIds

Call = ToolCall | BadToolCall
Said = TextChunk | ThinkingChunk
Piece = Said | Call

_OPENING = f'{{"{ANSWER}":"'
_OPENED = re.compile(rf'\s*\{{\s*"{ANSWER}"\s*:\s*"')
_NAMED = re.compile(r'\s*\{\s*"name"\s*:\s*"?([^"\\]*)')
_MOST_BLANK = 1000
_MOST_TRAILING = 200
"""Characters after a call that may still be a remark."""
_MADE_UP = re.compile(
    r"<(?:tool_?result|tool_?response|function_?results?|result|output|observation|\|?(?:im_start|user|start_header))"
    r"|^\s*\W{0,3}(?:observation|tool|tool result|result|output|user|human|system|assistant|answer)\W{0,3}:",
    re.IGNORECASE | re.MULTILINE,
)


class Reader(Protocol):
    """Turns the text of one answer into text for the user and calls. Calls come only with the end.

    `is_over`: nothing that could follow belongs to the answer. `raw` is all that was read, or "" if not all of it
    belongs to the answer.
    """

    @property
    def is_over(self) -> bool: ...

    @property
    def raw(self) -> str: ...

    def feed(self, text: str) -> list[Said]:
        """The text for the user that is certain after `text`."""
        ...

    def finish(self, *, cut: bool) -> list[Piece]:
        """The rest, and the calls; `cut` says that a limit or a filter ended the answer."""
        ...


class PlainReader:
    """All text is the answer."""

    is_over = False
    raw = ""

    def feed(self, text: str) -> list[Said]:
        """`text`."""
        return [TextChunk(text)] if text else []

    def finish(self, *, cut: bool) -> list[Piece]:
        """Nothing."""
        return []


class PrintedReader:
    """Text with calls printed in it. What the model writes after its calls, it made up: no tool has run yet."""

    def __init__(self, tools: Sequence[ToolSpec], ids: CallIds, *, anywhere: bool) -> None:
        self.is_over = False
        self._printed = PrintedCalls(tools, ids, anywhere=anywhere)
        self._calls: list[Call] = []
        self._trailing = ""
        self._read: list[str] = []

    @property
    def raw(self) -> str:
        """What was read, unless something after the calls was left out."""
        return "" if self._trailing.strip() else "".join(self._read).rstrip()

    def feed(self, text: str) -> list[Said]:
        """The text before the first call, as far as it is certain."""
        if self.is_over:
            return []
        self._read.append(text)
        return self._take(self._printed.feed(text))

    def finish(self, *, cut: bool) -> list[Piece]:
        """What was held back, and the calls."""
        rest = [] if self.is_over else self._take(self._printed.finish(cut=cut))
        return [*rest, *self._calls]

    def _take(self, pieces: Sequence[Piece]) -> list[Said]:
        said: list[Said] = []
        for piece in pieces:
            if isinstance(piece, ToolCall | BadToolCall):
                if not self.is_over:
                    self._calls.append(piece)
            elif not self._calls:
                said.append(piece)
            elif not self.is_over:
                self._trailing += piece.text
                too_long = len(self._trailing.strip()) > _MOST_TRAILING
                self.is_over = too_long or bool(_MADE_UP.search(self._trailing))
        return said


class FormReader:
    """One JSON object of `answer_schema`: words for the user, shown while they come, or a call.

    A server that does not hold its model to the schema may send several objects, or anything else; then calls are
    found as they are in text. Without `tools` nothing is a call.
    """

    is_over = False

    def __init__(self, tools: Sequence[ToolSpec], ids: CallIds) -> None:
        self._tools = tools
        self._ids = ids
        self._read: list[str] = []
        self._head = ""
        self._answer: JsonString | None = None
        self._loose: Reader | None = None
        self._is_object = False

    @property
    def raw(self) -> str:
        """What was read, if it was what was asked for."""
        read = "".join(self._read).strip()
        texts, rest = ([], "") if self._loose is not None else _split(read)
        return read if len(texts) == 1 and not rest else ""

    def feed(self, text: str) -> list[Said]:
        """More of the words for the user."""
        self._read.append(text)
        if self._loose is not None:
            return self._loose.feed(text)
        if self._is_object:
            return []
        if self._answer is None:
            self._head += text
            text = self._begin()
        if self._answer is None or self._answer.is_closed:
            return self._loose.feed(self._head) if self._loose is not None else []
        said, _ = self._answer.feed(text)
        return [TextChunk(said)] if said else []

    def finish(self, *, cut: bool) -> list[Piece]:
        """The rest of the words, or the calls."""
        if self._answer is not None and not self._answer.is_closed:
            rest = self._answer.finish()
            return [TextChunk(rest)] if rest else []
        if self._loose is not None:
            return self._loose.finish(cut=cut)
        return self._read_objects("".join(self._read), cut)

    def _begin(self) -> str:
        """Decide what the answer is as soon as its beginning shows it; what already belongs to its words."""
        opened = _OPENED.match(self._head)
        if opened:
            self._answer = JsonString()
            return self._head[opened.end() :]
        start = "".join(self._head.split())
        if len(self._head) <= _MOST_BLANK and _OPENING.startswith(start):
            return ""
        self._is_object = start.startswith("{")
        if not self._is_object:
            self._loose = PrintedReader(self._tools, self._ids, anywhere=True) if self._tools else PlainReader()
        return ""

    def _read_objects(self, raw: str, cut: bool) -> list[Piece]:
        """The objects one after the other; what follows a call made before its result is known does not count."""
        texts, rest = _split(raw)
        pieces: list[Piece] = []
        for place, text in enumerate(texts):
            pieces += self._object(text, cut, is_shown=place == 0 and self._answer is not None)
        if self._tools and (_NAMED.match(rest) or (cut and rest.startswith("{"))):
            pieces.append(self._unfinished(rest, cut))
        calls = [piece for piece in pieces if isinstance(piece, ToolCall | BadToolCall)]
        if calls or self._answer is not None or not raw.strip():
            first = pieces.index(calls[0]) if calls else len(pieces)
            return [*pieces[:first], *calls]
        if not pieces:
            return self._other(raw, cut)
        return pieces

    def _object(self, text: str, cut: bool, *, is_shown: bool) -> list[Piece]:
        outer = parse_call("", "", text)
        if isinstance(outer, BadToolCall):
            named = _NAMED.match(text)
            if is_shown or named is None or not self._tools:
                return []
            return [BadToolCall(self._ids.take(""), named[1], text, outer.problem)]
        value = outer.args
        if self._is_call(value):
            return [self._call(text, value, cut)]
        is_words = set(value) == {ANSWER} and not is_shown
        return [TextChunk(_words(value[ANSWER]))] if is_words else []

    def _is_call(self, value: JsonObject) -> bool:
        name = value.get("name")
        if not isinstance(name, str) or not self._tools:
            return False
        return "arguments" in value or (set(value) == {"name"} and any(tool.name == name for tool in self._tools))

    def _call(self, text: str, value: JsonObject, cut: bool) -> Call:
        name, arguments = str(value["name"]), value.get("arguments")
        call_id = self._ids.take("")
        if cut:
            return refuse_cut(call_id, name, text)
        raw = "" if arguments is None else arguments if isinstance(arguments, str) else _json(arguments)
        return parse_call(call_id, name, raw)

    def _unfinished(self, text: str, cut: bool) -> BadToolCall:
        """A call whose object does not end."""
        named = _NAMED.match(text)
        name, call_id = named[1] if named else "", self._ids.take("")
        parsed = refuse_cut(call_id, name, text) if cut else parse_call(call_id, name, text)
        return parsed if isinstance(parsed, BadToolCall) else refuse_cut(call_id, name, text)

    def _other(self, raw: str, cut: bool) -> list[Piece]:
        """Objects of another kind: calls in one of the shapes that models print, else text."""
        if not self._tools:
            return [TextChunk(raw)]
        reader = PrintedReader(self._tools, self._ids, anywhere=True)
        return [*reader.feed(raw), *reader.finish(cut=cut)]


def unique(calls: Sequence[Call], known: Sequence[Call], ids: CallIds) -> list[Call]:
    """`calls` without those that the service has also given as `known`, with ids that no other call has."""
    said = [(call.name, call.args) for call in known if isinstance(call, ToolCall)]
    taken = {call.id for call in known}
    found: list[Call] = []
    for call in calls:
        if isinstance(call, ToolCall) and (call.name, call.args) in said:
            continue
        call_id = call.id
        while call_id in taken:
            call_id = ids.take("")
        taken.add(call_id)
        found.append(replace(call, id=call_id))
    return found


def _split(raw: str) -> tuple[list[str], str]:
    """The JSON objects at the beginning of `raw`, and the rest."""
    decoder = json.JSONDecoder()
    texts: list[str] = []
    place = 0
    while True:
        while place < len(raw) and raw[place] in " \t\r\n,;":
            place += 1
        if place >= len(raw) or raw[place] != "{":
            return texts, raw[place:]
        try:
            _, end = cast("tuple[object, int]", decoder.raw_decode(raw, place))
        except (ValueError, RecursionError):
            return texts, raw[place:]
        texts.append(raw[place:end])
        place = end


def _words(value: Any) -> str:  # Any: a JSON value
    return value if isinstance(value, str) else "" if value is None else _json(value)


def _json(value: Any) -> str:  # Any: a JSON value
    return json.dumps(value, ensure_ascii=False)
