"""The shapes in which models print calls: markers, and what may stand between them.

One grammar for all families, because models mix them. What follows an opening marker is a sequence of

    {"name": …, "arguments": {…}} and its relatives, or a list of them    Hermes, Qwen, Llama 3, Granite, Phi-4, …
    <function=f><parameter=a>v</parameter></function>                     Qwen3-Coder; with JSON inside: Llama 3.1
    <invoke name="f"><parameter name="a">v</parameter></invoke>           MiniMax, DeepSeek V3.2
    f<arg_key>a</arg_key><arg_value>v</arg_value>                         GLM
    f[ARGS]{…}, f[CALL_ID]x[ARGS]{…}, f{…}                                Mistral
    f<|tool_sep|>{…}; function<|tool_sep|>f and a fence                   DeepSeek V3.1; R1 and V3
    functions.f:0<|tool_call_argument_begin|>{…}                          Kimi K2
    [f(a="b"), g()], f.call(a="b")                                        Llama 3.2 and 4, LFM2, Llama's own tools

with white space, `,`, `;`, fences and closing markers between. Names of markers: chat templates of the families.
"""

import re

from ally.providers.arguments import CUT
from ally.providers.tool_calling.printed_tape import Literals, Tape, Wait
from ally.providers.tool_calling.printed_values import TOO_LONG, Draft, Values

UNCLOSED = "The call is not closed as it should be, so the tool did not run. Send it again."
TAGS = ("<tool_call>", "<tool_calls>", "<function_call>", "<function_calls>", "<toolcall>", "<tools>", "<tool_use>")
_CLOSED = {
    **{tag: tag.replace("<", "</") for tag in TAGS},
    "<|tool_call|>": "<|/tool_call|>",
    "<minimax:tool_call>": "</minimax:tool_call>",
    "<seed:tool_call>": "</seed:tool_call>",
    "<|dsml|function_calls>": "</|dsml|function_calls>",
    "<|dsml|tool_calls>": "</|dsml|tool_calls>",
    "<|tool_call_start|>": "<|tool_call_end|>",
    "<|tool_calls_begin|>": "<|tool_calls_end|>",
    "<|tool_calls_section_begin|>": "<|tool_calls_section_end|>",
    "<|tool_call_begin|>": "<|tool_call_end|>",
    "<|python_start|>": "<|python_end|>",
    "<|start_action|>": "<|end_action|>",
}
_UNCLOSED = ("<|python_tag|>", "[tool_calls]")
_XML = ("<function=", "<function name=", "<invoke name=", "<|dsml|invoke name=", "<seed:function=")
_XML_END = Literals.of(("</function>", "</invoke>", "</|dsml|invoke>"))
_PARAMETER = Literals.of(("<parameter=", "<parameter name=", "<|dsml|parameter name="))
_PARAMETER_END = re.compile(r"</(?:[|\uff5c]DSML[|\uff5c])?parameter>", re.IGNORECASE)
_AFTER_PARAMETER = ("<paramete", "</functio", "</invoke>", "<|dsml|pa", "</|dsml|i")
_TURN_ENDS = ("<|eot_id|>", "<|eom_id|>", "<|im_end|>", "</s>", "<|call|>", "<|end_of_sentence|>")
OPENERS = Literals.of((*_CLOSED, *_UNCLOSED, *_XML))
FENCES = frozenset(("", "json", "tool_call", "tool_calls", "tool_code", "tool_use", "tool", "function_call", "xml"))
"""What may stand behind the opening fence of a call."""
_NAMES = re.compile(r"[^\w.:/-]")
_FOLLOWS = Literals.of(
    ("[args]", "[call_id]", "<|tool_sep|>", "<|tool_call_argument_begin|>", "<arg_key>", "</tool_call>", "```")
)
_INSIDE = Literals.of({*_CLOSED, *_UNCLOSED, *_XML, *_CLOSED.values(), "</function>", "</invoke>", *_TURN_ENDS})
_CLOSERS = frozenset((*_CLOSED.values(), "</function>", "</invoke>"))
STRAYS = Literals.of({*_CLOSERS, *_TURN_ENDS})
"""What may follow a call without meaning anything."""
_NO_FENCE = re.compile(r"[^`~]")
_LINE_END = re.compile(r"\n")
_KEY_END = re.compile(r"</arg_key>")
_VALUE_END = re.compile(r"</arg_value>")
_TAG_END = re.compile(r">")
_TITLE = re.compile(r"""\s*(["']?)(.*?)(?:\1(?=\s|$)|$)""", re.DOTALL)
_ATTRIBUTE = re.compile(r'string\s*=\s*"(true|false)"')


class Shapes:
    """Reads one run of calls off the tape; `drafts` has them, `rest` what was taken and belongs to none of them.

    `is_cut`: the text ended inside a call. `is_closed`: the closing marker of the first opening one came.
    """

    def __init__(self, tape: Tape, values: Values) -> None:
        self.drafts: list[Draft] = []
        self.rest = ""
        self.is_cut = False
        self.is_closed = False
        self._tape = tape
        self._values = values
        self._depth = 0
        self._awaits_name = False
        self._kept: list[str] = []
        self._is_fenced = False

    @property
    def raw(self) -> str:
        """All that was taken."""
        return "".join(self._kept) + self.rest

    def read(self) -> Wait[None]:
        """Reads until something comes that is no part of the shape."""
        goes_on = True
        while goes_on:
            self._tape.begin()
            before = len(self.drafts)
            goes_on = yield from self._one()
            if goes_on or self.is_closed or len(self.drafts) > before:
                self._kept.append(self._tape.raw)
            else:
                self.rest = self._tape.raw

    def _one(self) -> Wait[bool]:
        """Takes one thing; False at the end of the run."""
        yield from self._tape.skip_space()
        sign = yield from self._tape.peek(1)
        if sign in ("<", "["):
            marker = yield from self._tape.match(_INSIDE)
            if marker:
                return (yield from self._marker(marker))
        readers = {"{": self._json, "[": self._list, "`": self._fence, "~": self._fence}
        if reader := readers.get(sign):
            return (yield from reader())
        if sign and self._awaits_name and not _NAMES.match(sign):
            return (yield from self._named())
        return sign in (";", ",") and bool(self.drafts and self._tape.take(1))

    def _marker(self, marker: str) -> Wait[bool]:
        if marker in _XML:
            return (yield from self._function(marker))
        if marker in _CLOSED or marker in _UNCLOSED:
            self._tape.take(len(marker))
            self._depth += marker in _CLOSED
            self._awaits_name = True
            return True
        if not self.drafts:
            return False
        self._tape.take(len(marker))
        self._depth -= marker in _CLOSERS
        self.is_closed = self._depth <= 0 and not self._is_fenced
        return not self.is_closed

    def _fence(self) -> Wait[bool]:
        """A fence: of the calls here, or of the one call between its markers."""
        if (yield from self._tape.peek(3)) not in ("```", "~~~"):
            return False
        if self._is_fenced:
            yield from self._tape.run(_NO_FENCE, 60)
            self._is_fenced = False
            self.is_closed = self._depth <= 0
            return not self.is_closed
        line = yield from self._tape.run(_LINE_END, 60)
        label = line.strip("`~ \r").lower()
        self._is_fenced = True
        self._awaits_name = label == "tool_code"
        return label in FENCES and not self.drafts

    def _json(self, name: str = "", call_id: str = "") -> Wait[bool]:
        raw, is_whole = yield from self._tape.json_value()
        self._awaits_name = False
        if not is_whole:
            draft = self._values.from_cut(raw, self._end_problem())
            return self._end(Draft(name, raw, draft.problem) if name else draft)
        drafts = [Draft(name, raw, id=call_id)] if name else self._values.from_json(raw)
        self.drafts += drafts
        return bool(drafts)

    def _list(self) -> Wait[bool]:
        if (yield from self._tape.sign_after(1)) in ("{", "["):
            return (yield from self._json())
        return (yield from self._python())

    def _python(self, name: str = "") -> Wait[bool]:
        raw, is_whole = yield from self._tape.python_value()
        self._awaits_name = False
        if not is_whole:
            found = re.match(r"\[?\s*([\w.]+)\s*\(", name + raw)
            return self._end(Draft(self._values.name(found[1]) if found else name, name + raw, self._end_problem()))
        drafts = self._values.from_python(name + raw)
        self.drafts += drafts
        return bool(drafts)

    def _named(self) -> Wait[bool]:
        """A name, and what shows that it is one."""
        tape = self._tape
        said = yield from tape.run(_NAMES, 128)
        call_id = ""
        while True:
            yield from tape.skip_space()
            mark = yield from tape.match(_FOLLOWS)
            sign = yield from tape.peek(1)
            name = self._values.name(said)
            if not sign:
                return self._end(Draft(name, "", self._end_problem()))
            if mark == "<arg_key>":
                return (yield from self._pairs(name))
            if mark == "</tool_call>" and self._values.knows(name):
                self.drafts.append(Draft(name, ""))
                self._awaits_name = False
                return True
            if sign == "{":
                return (yield from self._json(name, call_id))
            if sign == "(" and not mark:
                return (yield from self._python(said))
            if not mark or mark == "</tool_call>":
                return False
            if mark == "```":
                yield from tape.run(_LINE_END, 60)
                self._is_fenced = True
                continue
            tape.take(len(mark))
            yield from tape.skip_space()
            sign = yield from tape.peek(1)
            if mark == "[call_id]":
                call_id = yield from tape.run(_NAMES, 128)
            elif mark == "<|tool_sep|>" and sign and not _NAMES.match(sign):
                said = yield from tape.run(_NAMES, 128)

    def _pairs(self, name: str) -> Wait[bool]:
        """Keys and values in tags, up to the end of the call."""
        tape = self._tape
        pairs: list[tuple[str, str, bool | None]] = []
        self._awaits_name = False
        while (yield from tape.match(_FOLLOWS)) == "<arg_key>":
            tape.take(len("<arg_key>"))
            key, _ = yield from tape.until(_KEY_END, 10)
            yield from tape.skip_space()
            if (yield from tape.peek(11)) != "<arg_value>":
                break
            tape.take(11)
            text, mark = yield from tape.until(_VALUE_END, 12)
            if not mark:
                break
            pairs.append((key.strip(), text, None))
            yield from tape.skip_space()
        if (yield from tape.match(_FOLLOWS)) == "</tool_call>":
            self.drafts.append(self._values.from_pairs(name, pairs))
            return True
        return self._end(Draft(name, tape.raw, self._end_problem()))

    def _function(self, marker: str) -> Wait[bool]:
        """A function in a tag, with JSON or parameters in tags."""
        tape = self._tape
        tape.take(len(marker))
        name = self._values.name(_title((yield from self._header())))
        self._awaits_name = False
        yield from tape.skip_space()
        if (yield from tape.peek(1)) == "{":
            if not (yield from self._json(name)):
                return False
            yield from tape.skip_space()
            mark = yield from tape.match(_XML_END)
            tape.take(len(mark))
            return True
        return (yield from self._parameters(name))

    def _parameters(self, name: str) -> Wait[bool]:
        tape = self._tape
        pairs: list[tuple[str, str, bool | None]] = []
        while mark := (yield from tape.match(_PARAMETER)):
            tape.take(len(mark))
            header = yield from self._header()
            text = yield from self._parameter()
            if text is None:
                return self._end(Draft(name, tape.raw, self._end_problem()))
            typed = _ATTRIBUTE.search(header)
            pairs.append((_title(header), text, typed[1] == "true" if typed else None))
            yield from tape.skip_space()
        mark = yield from tape.match(_XML_END)
        if mark:
            tape.take(len(mark))
            self.drafts.append(self._values.from_pairs(name, pairs))
            return True
        if (yield from tape.peek(1)) == "" or tape.too_long:
            return self._end(Draft(name, tape.raw, self._end_problem()))
        if pairs:
            self.drafts.append(Draft(name, tape.raw, UNCLOSED))
        return False

    def _header(self) -> Wait[str]:
        """The rest of an opening tag."""
        text = yield from self._tape.run(_TAG_END, 256)
        if (yield from self._tape.peek(1)) == ">":
            self._tape.take(1)
        return text

    def _parameter(self) -> Wait[str | None]:
        """The text of a parameter: it ends with the closing tag that another part of the call follows."""
        pieces: list[str] = []
        while True:
            text, mark = yield from self._tape.until(_PARAMETER_END, 18)
            pieces.append(text)
            after = yield from self._tape.glance(9)
            if not mark or not after:
                return None
            if after in _AFTER_PARAMETER:
                break
            pieces.append(mark)
        text = "".join(pieces)
        return text[1:].removesuffix("\n") if text.startswith("\n") else text

    def _end(self, draft: Draft) -> bool:
        """The call that is cut is the last one."""
        self.drafts.append(draft)
        self.is_cut = True
        return False

    def _end_problem(self) -> str:
        return TOO_LONG if self._tape.too_long else CUT


def _title(header: str) -> str:
    """The name at the beginning of what an opening tag says, with or without quotes."""
    found = _TITLE.match(header)
    return found[2].strip() if found else ""
