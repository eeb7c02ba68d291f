"""Answers in parts that say for whom they are: harmony (gpt-oss) and the parts of Command R.

    <|channel|>analysis<|message|>thinking<|end|>
    <|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{…}<|call|>
    <|start|>assistant<|channel|>final<|message|>the answer<|return|>

The recipient may stand before the channel too. Source: OpenAI, "OpenAI harmony response format".
"""

import re
from dataclasses import dataclass

from ally.providers.arguments import CUT
from ally.providers.tool_calling.printed_tape import Literals, Tape, Wait
from ally.providers.tool_calling.printed_values import TOO_LONG, Draft, Values

_SECTIONS = {"<|start_thinking|>": "<|end_thinking|>", "<|start_response|>": "<|end_response|>"}
CHANNELS = Literals.of(("<|start|>", "<|channel|>", *_SECTIONS))
_LONGEST_HEADER = 256
_MESSAGE = "<|message|>"
_HEADER = re.compile(
    r"(?:<\|start\|>assistant(?P<before>[^<\n]*))?(?:<\|channel\|>(?P<channel>\w+)(?P<after>[^<\n]*))?"
    r"(?:<\|constrain\|>[^<\n]*)?<\|message\|>"
)
_RECIPIENT = re.compile(r"\bto=([^\s<]+)")
_ENDS = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_NEXT = ("<|start|>", "<|channel|>")
_SECTION_ENDS = re.compile(r"<\|END_(?:THINKING|RESPONSE)\|>", re.IGNORECASE)
_LONGEST_END = len("<|END_THINKING|>")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer; `recipient` is the tool that it is for, if it is a call."""

    is_thinking: bool
    recipient: str = ""


class Channels:
    """Reads the parts of an answer off the tape."""

    def __init__(self, tape: Tape, values: Values) -> None:
        self._tape = tape
        self._values = values
        self._ends = _ENDS
        self._is_over = False

    def open(self, marker: str) -> Wait[Part | None]:
        """The part whose header begins here; None, and nothing is taken, if it is no header."""
        self._is_over = False
        if marker in _SECTIONS:
            self._tape.take(len(marker))
            self._ends = _SECTION_ENDS
            return Part(marker == "<|start_thinking|>")
        self._ends = _ENDS
        while _MESSAGE not in (head := self._tape.seen(_LONGEST_HEADER)):
            too_many = head.count("<|start|>") > 1 or head.count("<|channel|>") > 1
            if self._tape.ended or too_many or "\n" in head or len(head) == _LONGEST_HEADER:
                return None
            yield
        found = _HEADER.match(head)
        if found is None or not (found["channel"] or found["before"] is not None):
            return None
        self._tape.take(found.end())
        recipient = _RECIPIENT.search(f"{found['before'] or ''} {found['after'] or ''}")
        name = recipient[1].removeprefix("functions.") if recipient else ""
        return Part(found["channel"] == "analysis", name)

    def call(self, name: str) -> Wait[tuple[Draft, bool]]:
        """The call of `name` that the part is, and whether its end was said."""
        tape = self._tape
        name = self._values.name(name)
        yield from tape.skip_space()
        tape.begin()
        if (yield from tape.peek(1)) == "{":
            raw, is_whole = yield from tape.json_value()
        else:
            raw, mark = yield from tape.until(_ENDS, _LONGEST_END)
            is_whole = bool(mark)
            if mark in _NEXT:
                tape.give_back(len(mark))
            if is_whole:
                return Draft(name, raw.strip()), True
        if not is_whole:
            return Draft(name, raw, TOO_LONG if tape.too_long else CUT), False
        yield from tape.skip_space()
        mark = yield from tape.match(Literals.of(("<|call|>", "<|end|>", "<|return|>")))
        tape.take(len(mark))
        return Draft(name, raw), bool(mark)

    def more(self) -> Wait[str | None]:
        """More of the text of the part, None after its end."""
        if self._is_over:
            return None
        while True:
            text, mark = self._tape.some(self._ends, _LONGEST_END, "<")
            if mark in _NEXT:
                self._tape.give_back(len(mark))
            self._is_over = bool(mark) or (self._tape.ended and not self._tape.unread)
            self._tape.begin()
            if text or self._is_over:
                return text
            yield
