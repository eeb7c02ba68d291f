"""Calls of tools that a model prints as text instead of using the field for them."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from ally.messages import BadToolCall, ToolCall, ToolSpec
from ally.providers.arguments import CUT
from ally.providers.model import TextChunk, ThinkingChunk
from ally.providers.tool_calling.printed_channels import CHANNELS, Channels
from ally.providers.tool_calling.printed_markdown import Markdown
from ally.providers.tool_calling.printed_shapes import FENCES, OPENERS, STRAYS, TAGS, Shapes
from ally.providers.tool_calling.printed_tape import Literals, Tape, Wait
from ally.providers.tool_calling.printed_values import KEYS, NAMES, Draft, Values
from ally.providers.wire.calls import CallIds

Printed = TextChunk | ThinkingChunk | ToolCall | BadToolCall

_MARKERS = Literals(OPENERS.whole | CHANNELS.whole, OPENERS.starts | CHANNELS.starts)
_INLINE = frozenset((*TAGS, "<function=", "<function name=", "<invoke name="))
_SPECIAL = re.compile(r"[<\[{`~]")
_NEWLINE = re.compile(r"\n")
_SPAN_END = re.compile(r"[`\n]")
_NOT_BLANK = re.compile(r"[^ \t]")
_NOT_SPACE = re.compile(r"\S")
_FUNCTOOLS = Literals.of(("functools[",))
_KEY = re.compile(r'(?:\[\s*)?\{\s*"([a-z_]+)"')
_KEY_START = re.compile(r'(?:\[\s*)?(\{\s*("[a-z_]*)?)?')
_NAMED = re.compile(r'(?:\[\s*)?\{\s*"[a-z_]+"\s*:\s*"([^"\\]*)"')
_NAMED_START = re.compile(r'(?:\[\s*)?(\{\s*("[a-z_]*("\s*(:\s*("[^"\\]*)?)?)?)?)?')
_PYTHON = re.compile(r"\[\s*([\w.]+)\(")
_PYTHON_START = re.compile(r"\[\s*[\w.]*")
_LONGEST_START = 100


class PrintedCalls:
    """Turns the text of one answer into text and calls, however it was cut into pieces.

    With `anywhere` every call counts that is not inside code: also JSON after prose, and a fence that holds nothing
    else. Without it a call must stand between markers of some family, outside of code and quotations, or be the whole
    answer. Only between markers may a call name a tool that is not among `tools`.

    Text comes out as it came in, without the markers and the white space around calls; at most the beginning of a
    possible marker or call is held back. Calls come whole, in their place. A call that the text ends in, or that cannot
    be read, is a `BadToolCall`. Only what the model itself wrote may be fed.
    """

    def __init__(self, tools: Sequence[ToolSpec], ids: CallIds, *, anywhere: bool) -> None:
        self._ids = ids
        self._anywhere = anywhere
        self._values = Values(tools)
        self._tape = Tape()
        self._markdown = Markdown()
        self._channels = Channels(self._tape, self._values)
        self._found: list[Printed] = []
        self._blank: list[str] = []
        self._has_called = False
        self._is_fresh = True
        self._is_cut = False
        self._work = self._read()
        next(self._work)

    def feed(self, text: str) -> list[Printed]:
        """What is certain after `text`."""
        if text:
            self._tape.add(text)
            self._work.send(None)
        return self._give()

    def finish(self, *, cut: bool) -> list[Printed]:
        """The rest; `cut` says that a limit ended the answer."""
        self._tape.ended = True
        self._is_cut = cut
        for _ in self._work:
            pass
        if not self._has_called and self._blank:
            self._found.append(TextChunk("".join(self._blank)))
        return self._give()

    def _give(self) -> list[Printed]:
        found, self._found = self._found, []
        if len(found) < 2:
            return found
        return [one for is_text, some in groupby(found, _is_text) for one in (_joined(some) if is_text else some)]

    def _read(self) -> Wait[None]:
        """Reads the whole answer."""
        tape = self._tape
        while (yield from tape.peek(1)):
            tape.begin()
            if self._markdown.is_code:
                tape.take_until(_NEWLINE if self._markdown.is_fenced else _SPAN_END)
                tape.take(1)
                self._say(tape.raw)
            elif self._is_fresh and tape.take_until(_NOT_SPACE):
                self._say(tape.raw)
            elif self._is_fresh and (yield from tape.match(_FUNCTOOLS)):
                tape.take(9)
                yield from self._run(raw=tape.raw)
            elif not tape.take_until(_SPECIAL):
                yield from self._special(tape.seen(1))
            else:
                self._say(tape.raw)

    def _special(self, sign: str) -> Wait[None]:
        """One of the characters with which something may begin."""
        if sign in "<[":
            marker = yield from self._tape.match(_MARKERS)
            if marker and self._markdown.is_quoted and not (self._anywhere or self._is_fresh):
                self._say(self._tape.take(len(marker)))
                return
            if marker in CHANNELS.whole:
                yield from self._channel(marker)
                return
            if marker:
                is_inline = not (self._anywhere or self._markdown.is_blank) and marker in _INLINE
                yield from self._run(known=is_inline, inline=is_inline)
                return
            stray = (yield from self._tape.match(STRAYS)) if self._is_fresh and self._has_called else ""
            if stray:
                self._tape.take(len(stray))
                return
        if (self._anywhere or self._is_fresh) and (yield from self._begins(sign)):
            yield from (self._run(known=True) if self._anywhere else self._whole())
            return
        self._say(self._tape.take(1))

    def _begins(self, sign: str) -> Wait[bool]:
        """Whether a call without a marker may begin here."""
        tape = self._tape
        if sign in "`~":
            return self._markdown.is_blank and (yield from self._fence_begins())
        size = 2
        while True:
            head = yield from tape.peek(size)
            if found := _KEY.match(head):
                return found[1] in KEYS and (found[1] not in NAMES or (yield from self._is_named()))
            if sign == "[" and (found := _PYTHON.match(head)):
                return self._values.knows(self._values.name(found[1]))
            if len(head) < size or size > _LONGEST_START:
                return False
            if not _KEY_START.fullmatch(head) and not (sign == "[" and _PYTHON_START.fullmatch(head)):
                return False
            size += 1

    def _is_named(self) -> Wait[bool]:
        """Whether the object that begins here may name a tool that there is."""
        size = 3
        while True:
            head = yield from self._tape.peek(size)
            if found := _NAMED.match(head):
                return self._values.knows(self._values.name(found[1]))
            if len(head) < size or size > _LONGEST_START or not _NAMED_START.fullmatch(head):
                return True
            size += 1

    def _fence_begins(self) -> Wait[bool]:
        size = 3
        while True:
            head = yield from self._tape.peek(size)
            if head[:3] not in ("```", "~~~") or len(head) < size or size > _LONGEST_START:
                return False
            label, newline, body = head.partition("\n")
            label = label.strip("`~ \r").lower()
            body = body.lstrip()
            if not any(known.startswith(label) for known in FENCES) or (newline and label not in FENCES):
                return False
            if body:
                return body[0] in "{[<" or label == "tool_code"
            size += 1

    def _run(self, *, raw: str = "", known: bool = False, inline: bool = False) -> Wait[None]:
        """A run of calls that begins here, or else text."""
        shapes = Shapes(self._tape, self._values)
        yield from shapes.read()
        is_call = self._values.expects(shapes.drafts) if known else bool(shapes.drafts)
        after = ""
        if inline and is_call:
            self._tape.begin()
            yield from self._tape.run(_NOT_BLANK)
            after = self._tape.raw
            is_call = not shapes.rest and (yield from self._tape.peek(1)) in ("", "\n", "<")
        if not is_call:
            self._say(raw + shapes.raw + after)
            return
        is_open = self._tape.ended and not self._tape.unread and not shapes.is_closed
        self._call(shapes.drafts, is_cut=is_open and self._is_cut)
        if shapes.rest.strip():
            self._say(shapes.rest)
        if self._tape.too_long:
            yield from self._drop()

    def _whole(self) -> Wait[None]:
        """Calls up to the end of the answer, or else text."""
        drafts: list[Draft] = []
        raw: list[str] = []
        while True:
            shapes = Shapes(self._tape, self._values)
            yield from shapes.read()
            raw.append(shapes.raw)
            is_call = bool(shapes.drafts) and not shapes.rest.strip()
            drafts += shapes.drafts
            if self._tape.too_long:
                break
            self._tape.begin()
            yield from self._tape.skip_space()
            raw.append(self._tape.raw)
            if not is_call or (yield from self._tape.peek(1)) not in ("{", "[", "<", "`", "~"):
                break
        is_whole = is_call and (self._tape.too_long or not self._tape.unread)
        if not is_whole or not self._values.expects(drafts):
            self._say("".join(raw))
            return
        self._call(drafts, is_cut=self._is_cut)
        if self._tape.too_long:
            yield from self._drop()

    def _channel(self, marker: str) -> Wait[None]:
        """A part of an answer that says for whom it is."""
        part = yield from self._channels.open(marker)
        if part is None:
            self._say(self._tape.take(1))
        elif part.recipient:
            draft, is_closed = yield from self._channels.call(part.recipient)
            self._call([draft], is_cut=self._is_cut and not is_closed)
        else:
            while True:
                text = yield from self._channels.more()
                if text is None:
                    break
                if not part.is_thinking:
                    self._say(text)
                elif text:
                    self._found.append(ThinkingChunk(text))

    def _call(self, drafts: Sequence[Draft], *, is_cut: bool) -> None:
        for draft in drafts:
            call_id = self._ids.take(draft.id)
            call = draft.finish(call_id)
            if is_cut and isinstance(call, ToolCall):
                call = BadToolCall(call_id, draft.name, draft.raw, CUT)
            self._found.append(call)
        self._has_called, self._is_fresh, self._blank = True, True, []
        self._markdown.break_line()

    def _say(self, text: str) -> None:
        if not text:
            return
        self._markdown.advance(text)
        if self._is_fresh:
            text = text.lstrip() if self._has_called else text
            if not text or text.isspace():
                self._blank.append(text)
                return
            text = "".join([*self._blank, text])
            self._blank.clear()
            self._is_fresh = False
        self._found.append(TextChunk(text))

    def _drop(self) -> Wait[None]:
        """Reads the rest of a call that is too long."""
        while self._tape.unread or not self._tape.ended:
            self._tape.take(self._tape.unread)
            self._tape.begin()
            yield


def _is_text(one: Printed) -> bool:
    return isinstance(one, TextChunk)


def _joined(some: Iterable[Printed]) -> list[Printed]:
    return [TextChunk("".join(one.text for one in some if isinstance(one, TextChunk)))]
