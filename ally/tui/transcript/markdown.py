"""Markdown as it streams in: each line is read once, what is finished stays as it is.

A reader of lines and not of documents, so that the cost of a piece of text does not grow with what came before: a
paragraph keeps its line breaks and ends after `LIMIT` characters, code and tables are drawn some lines at a time.
Nothing is fetched or hidden: HTML and pictures are text, a link shows where it leads.
"""

import copy
import re
from dataclasses import dataclass, field, replace

from ally.terminal.text import clean
from ally.tui.transcript.leaves import Code, Gap, Leaf, Rule, Words
from ally.tui.transcript.markdown_table import MOST_COLUMNS, Columns, Table, cells_of, rows_together

LIMIT = 2_000
"""Characters of a paragraph, and of a line, that are read together."""

_CODE_CUT, _CODE_MOST = 24, 64
_COLORED_AT_ONCE = 8
"""Of code that streams in so many lines are coloured by themselves before all of them are again."""
_SENTENCE = 400
_MOST_QUOTES = 8
_MOST_INDENT = 24
_CODE_LEAD = "  "

_QUOTE = re.compile(r" {0,3}((?:> ?)+)")
_FENCE = re.compile(r"(`{3,}|~{3,})(?P<info>[^`]*|(?<=~~~).*)$")
_HEADING = re.compile(r"(#{1,6})(?:[ \t]+(.*))?$")
_RULE = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_UNDERLINE = re.compile(r"(={3,}|-{3,})[ \t]*$")
_ITEM = re.compile(r"([-*+]|\d{1,9}[.)])(?:([ \t]+)(.*)|)$")
_ALIGN = re.compile(r":?-+:?")


@dataclass(slots=True)
class _Open:
    """What the next line may still belong to."""

    kind: str
    lines: list[str] = field(default_factory=list[str])
    size: int = 0
    lead: str = ""
    rest: str = ""
    style: str = "text"
    language: str = ""
    joint: str | None = None
    columns: Columns | None = None
    is_head_shown: bool = True


@dataclass(frozen=True, slots=True)
class _Fence:
    mark: str
    indent: int
    quotes: int


class Reader:
    """Takes text in pieces of any size; `done` are its finished leaves."""

    def __init__(self) -> None:
        self.done: list[Leaf] = []
        self._rest = ""
        self._joint: str | None = None
        self._open: _Open | None = None
        self._fence: _Fence | None = None
        self._quotes = 0
        self._is_list = False
        self._gap: int | None = None

    def feed(self, text: str) -> None:
        """More text."""
        *lines, self._rest = (self._rest + clean(text)).split("\n")
        for line in lines:
            self._line(self._long(line))
            self._joint = None
        self._rest = self._long(self._rest)

    def end(self) -> None:
        """Nothing more comes."""
        if self._rest or self._joint is not None:
            self._line(self._rest)
        self._rest, self._joint = "", None
        self._close()

    def unfinished(self) -> list[Leaf]:
        """What is there beyond `done`, as it would be if nothing more came."""
        probe = copy.copy(self)
        probe.done = []
        if self._open is not None:
            probe._open = replace(self._open, lines=self._open.lines[:])
        is_code = self._fence is not None
        probe.end()
        if is_code and probe.done and isinstance(leaf := probe.done[-1], Code) and leaf.lines:
            probe.done[-1] = replace(leaf, tail=(len(leaf.lines) - 1) % _COLORED_AT_ONCE + 1)
        return probe.done

    def _long(self, line: str) -> str:
        """Read what is too long to wait for the end of the line; the rest of it is given back."""
        while len(line) > LIMIT:
            place = line.rfind(". ", LIMIT - _SENTENCE, LIMIT) + 2
            place = place if place > 1 else line.rfind(" ", LIMIT // 2, LIMIT) + 1 or LIMIT
            self._line(line[:place])
            self._joint = " " * (place - len(line[:place].rstrip(" ")))
            line = line[place:]
        return line

    def _line(self, line: str) -> None:
        if self._joint is not None:
            self._go_on(line)
        elif self._fence is not None:
            self._in_fence(line, self._fence)
        else:
            self._block(line)

    def _go_on(self, line: str) -> None:
        """More of a line of which the beginning was read."""
        was = self._open
        if was is None or was.kind == "table":
            self._close()
            was = _Open("words")
        else:
            self._close()
        self._open = replace(was, lines=[line], size=len(line), lead=was.rest, joint=self._joint)

    def _block(self, line: str) -> None:
        quotes, body = _unquoted(line)
        text = body.strip(" \t")
        if quotes != self._quotes:
            self._close()
            self._quotes, self._is_list = quotes, False
        if not text:
            self._close()
            self._gap = quotes if self._gap is None else min(quotes, self._gap)
            return
        indent = len(body.expandtabs(4)) - len(body.expandtabs(4).lstrip(" "))
        body = body.expandtabs(4) if body[:1] in " \t" else body
        if self._open is not None and self._open.kind == "table" and self._row(text):
            return
        if self._special(text, indent):
            return
        if item := _ITEM.match(text):
            self._item(item, indent)
        else:
            self._words(body, indent)

    def _special(self, text: str, indent: int) -> bool:
        """Whether the line was a fence, a heading, a rule, or the line that makes a table or heading of one before."""
        is_code = indent >= 4 and not self._is_list
        if is_code and (self._open is None or self._open.kind == "code"):
            self._code_line(" " * (indent - 4) + text)
            return True
        if fence := _FENCE.match(text):
            self._start_fence(fence, indent)
            return True
        if heading := _HEADING.match(text):
            self._add(_Open("words", [_untailed(heading[2] or "")], style=_heading(len(heading[1]))))
            self._close()
            return True
        if self._underline(text) or self._delimiter(text):
            return True
        if _RULE.match(text):
            self._close()
            self._emit(Rule(text, self._bars()))
            return True
        return False

    def _words(self, body: str, indent: int) -> None:
        text = body.rstrip(" \t")
        was = self._open
        if was is not None and was.kind == "words" and was.style == "text":
            line = text[min(indent, len(was.rest) - len(self._bars())) :] if self._is_list else text
            if was.size + len(line) <= LIMIT:
                was.lines.append(line)
                was.size += len(line) + 1
                return
            self._close()
            self._open = _Open("words", [line], len(line), was.rest, was.rest)
            return
        if self._gap is not None and indent == 0:
            self._is_list = False
        lead = self._bars() + (" " * min(indent, _MOST_INDENT) if self._is_list else "")
        line = text.lstrip(" ") if self._is_list else text
        self._add(_Open("words", [line], len(line), lead, lead))

    def _item(self, item: re.Match[str], indent: int) -> None:
        sign, text = item[1], (item[3] or "").rstrip(" \t")
        sign = "•" if sign in "-*+" else sign
        lead = self._bars() + " " * min(indent, _MOST_INDENT) + sign + " "
        rest = self._bars() + " " * (len(lead) - len(self._bars()))
        self._is_list = True
        if fence := _FENCE.match(text):
            self._add(_Open("words", [""], 0, lead, rest))
            self._start_fence(fence, len(rest) - len(self._bars()))
            return
        self._add(_Open("words", [text], len(text), lead, rest))

    def _start_fence(self, fence: re.Match[str], indent: int) -> None:
        info = fence["info"].strip()
        lead = self._bars() + (" " * min(indent, _MOST_INDENT) if self._is_list else "") + _CODE_LEAD
        self._fence = _Fence(fence[1], indent, self._quotes)
        if info:
            self._add(_Open("info", [info], style="dim", lead=lead, rest=lead))
        self._close()
        self._add(_Open("code", lead=lead, rest=lead, language=info.split()[0].lower() if info else ""))

    def _in_fence(self, line: str, fence: _Fence) -> None:
        quotes, body = _unquoted(line, fence.quotes)
        if quotes < fence.quotes:
            self._fence = None
            self._close()
            self._block(line)
            return
        body = body[min(fence.indent, len(body) - len(body.lstrip(" "))) :]
        end = body.strip(" \t")
        if len(end) >= len(fence.mark) and not end.strip(fence.mark[0]) and len(body) - len(body.lstrip(" ")) < 4:
            self._fence = None
            self._close()
            return
        self._code_line(body)

    def _code_line(self, line: str) -> None:
        was = self._open
        if was is None:
            lead = self._bars() + _CODE_LEAD
            self._add(was := _Open("code", lead=lead, rest=lead))
        elif _is_cut(was, line):
            self._close()
            self._open = was = replace(was, lines=[], size=0, joint=None)
        was.lines.append(line)
        was.size += len(line) + 1

    def _underline(self, text: str) -> bool:
        was = self._open
        if was is None or was.kind != "words" or was.joint is not None:
            return False
        if len(was.lines) != 1 or was.lead != self._bars():
            return False
        if not _UNDERLINE.match(text):
            return False
        was.style = _heading(1 if text[0] == "=" else 2)
        self._close()
        return True

    def _delimiter(self, text: str) -> bool:
        was = self._open
        if was is None or was.kind != "words" or was.joint is not None:
            return False
        if "|" not in was.lines[-1] or text.strip("|:- \t"):
            return False
        head, aligns = cells_of(was.lines[-1]), cells_of(text)
        if len(head) != len(aligns) or len(head) > MOST_COLUMNS or not all(map(_ALIGN.fullmatch, aligns)):
            return False
        lead = was.lead if len(was.lines) == 1 else was.rest
        was.lines.pop()
        if not was.lines:
            self._open = None
        self._close()
        self._add(_Open("table", lead=lead, rest=was.rest, columns=Columns(tuple(head), tuple(aligns))))
        return True

    def _row(self, text: str) -> bool:
        was = self._open
        if was is None or was.columns is None or "|" not in text:
            return False
        if len(was.lines) >= rows_together(len(was.columns.head)) or was.size + len(text) > 2 * LIMIT:
            was.columns = was.columns.measured(was.lines)
            self._close()
            self._open = was = replace(was, lines=[], size=0, lead=was.rest, is_head_shown=False)
        was.lines.append(text)
        was.size += len(text)
        return True

    def _bars(self) -> str:
        return "│ " * self._quotes

    def _add(self, opened: _Open) -> None:
        self._close()
        self._space()
        if not opened.lead:
            opened.lead = opened.rest = self._bars()
        self._open = opened

    def _emit(self, leaf: Leaf) -> None:
        self._space()
        self.done.append(leaf)

    def _space(self) -> None:
        """The empty line before what comes now."""
        if self._gap is not None and self._is_begun:
            self.done.append(Gap("│ " * min(self._gap, self._quotes)))
        self._gap = None
        self._is_begun = True

    _is_begun = False

    def _close(self) -> None:
        was, self._open = self._open, None
        if was is None:
            return
        match was.kind:
            case "code":
                if was.lines:
                    self.done.append(Code(tuple(was.lines), was.language, was.lead, was.rest, was.joint is not None))
            case "table":
                columns = (was.columns or Columns((), ())).measured(was.lines)
                self.done.append(Table(columns, tuple(was.lines), was.lead, was.rest, was.is_head_shown))
            case kind:
                text = "\n".join(was.lines).rstrip(" ")
                self.done.append(Words(text, was.style, was.lead, was.rest, kind == "words", was.joint))


def _unquoted(line: str, most: int = _MOST_QUOTES) -> tuple[int, str]:
    """How deep a line is quoted, and the rest of it."""
    found = _QUOTE.match(line) if most else None
    if found is None:
        return 0, line
    place, quotes = found.start(1), 0
    while quotes < most and line.startswith(">", place):
        quotes += 1
        place += 2 if line.startswith(" ", place + 1) else 1
    return quotes, line[place:]


def _untailed(title: str) -> str:
    """A title without the marks that may close it."""
    head = title.rstrip("#")
    return title if head and head[-1] not in " \t" else head.rstrip(" \t")


def _heading(level: int) -> str:
    return "heading" if level <= 2 else "strong"


def _is_cut(was: _Open, line: str) -> bool:
    """Whether code is better drawn in two from here: after an empty line where nothing is indented."""
    if len(was.lines) >= _CODE_MOST or was.size + len(line) > 2 * LIMIT:
        return True
    is_start = bool(line[:1].strip(" \t)]}\"'*"))
    return len(was.lines) >= _CODE_CUT and is_start and not was.lines[-1].strip()
