"""A second reading of a command, by hand and independent of the parser, to compare with it.

It knows only how bash cuts text into words and where commands end. What it meets beyond that is an `Unclear`.
"""

import re
from dataclasses import dataclass, field

Span = tuple[int, int]

_PLAIN_EXPANSION = re.compile(r"\$\{#?[A-Za-z_]\w*(?:(?::?[-+?]|##?|%%?|//?|:)[\w./ :*-]*)?\}")
_PLAIN_ARITHMETIC = re.compile(r"\$\(\([\w\s+\-*/%<>=!&|^~?:,$]*\)\)")
_CONTROL = re.compile(r"&&|\|\||\|&|;;|[;&|()\n]")
_REDIRECT = re.compile(r"&>>|&>|<<<|<<-|<<|<>|<&|>>|>\||>&|<|>")
_SUBSCRIPT = re.compile(r"[A-Za-z_]\w*\[")
_WORD_ENDS = frozenset(" \t\n;&|()<>")


class Unclear(Exception):
    """The text holds something whose meaning is left to the user."""


@dataclass(slots=True)
class Segment:
    """The words of one run between control operators; redirections are left out."""

    words: list[Span] = field(default_factory=list[Span])
    follows: str = ""


@dataclass(slots=True)
class Scanner:
    """Cuts `text` (one character per byte) into segments, nested substitutions included."""

    text: str
    segments: list[Segment] = field(default_factory=list[Segment])
    depth: int = 0

    def scan(self) -> list[Segment]:
        end = self._commands(0, closing="")
        if end != len(self.text):
            raise Unclear("an unbalanced parenthesis")
        return self.segments

    def _commands(self, i: int, closing: str) -> int:
        """Read commands from `i` to the end or to the `closing` parenthesis; gives the position after it."""
        self.depth += 1
        if self.depth > 20:
            raise Unclear("too deeply nested")
        text, open_groups, heredocs = self.text, 0, list[tuple[str, bool, bool]]()
        current = Segment()
        while True:
            i = self._skip_blanks(i)
            if i >= len(text):
                if closing or open_groups or heredocs:
                    raise Unclear("something is left open")
                break
            char = text[i]
            if char in "<>&" and (match := _REDIRECT.match(text, i)) and not text.startswith(("<(", ">("), i):
                i = self._redirect(match, heredocs)
                continue
            if (match := _CONTROL.match(text, i)) is None:
                start, i = i, self._word(i)
                if not (text[start:i].isdigit() and i < len(text) and text[i] in "<>"):
                    current.words.append((start, i))
                continue
            operator, i = match[0], match.end()
            self._close(current, operator)
            current = Segment()
            if operator == ")" and closing and not open_groups:
                break
            self._no_joint(i)
            open_groups += {"(": 1, ")": -1}.get(operator, 0)
            if open_groups < 0:
                raise Unclear("an unbalanced parenthesis")
            if operator == "\n":
                i = self._heredocs(i, heredocs)
        if heredocs:
            raise Unclear("a here-document without its text")
        self._close(current, "")
        self.depth -= 1
        return i

    def _close(self, segment: Segment, operator: str) -> None:
        segment.follows = operator
        if segment.words:
            self.segments.append(segment)

    def _skip_blanks(self, i: int) -> int:
        text = self.text
        while i < len(text):
            if text[i] in " \t":
                i += 1
            elif text.startswith("\\\n", i):
                i += 2
            elif text[i] == "#":
                end = text.find("\n", i)
                i = len(text) if end < 0 else end
            else:
                break
        return i

    def _redirect(self, match: re.Match[str], heredocs: list[tuple[str, bool, bool]]) -> int:
        start = self._skip_blanks(match.end())
        if start >= len(self.text) or _CONTROL.match(self.text, start):
            raise Unclear("a redirection to nowhere")
        end = self._word(start)
        if match[0] in ("<<", "<<-"):
            raw = self.text[start:end]
            delimiter = re.sub(r"[\"'\\]", "", raw)
            if not re.fullmatch(r"[\w.-]+", delimiter):
                raise Unclear("an unusual here-document")
            heredocs.append((delimiter, raw != delimiter, match[0] == "<<-"))
        return end

    def _heredocs(self, i: int, pending: list[tuple[str, bool, bool]]) -> int:
        for delimiter, is_quoted, is_indented in pending:
            while True:
                if i >= len(self.text):
                    raise Unclear("a here-document that does not end")
                end = self.text.find("\n", i)
                end = len(self.text) if end < 0 else end
                line = self.text[i:end]
                if (line.lstrip("\t") if is_indented else line) == delimiter:
                    i = min(end + 1, len(self.text))
                    break
                i = end + 1 if is_quoted else self._heredoc_line(i)
        pending.clear()
        return i

    def _heredoc_line(self, i: int) -> int:
        while i < len(self.text) and self.text[i] != "\n":
            if self.text[i] == "\\":
                if self.text.startswith("\\\n", i):
                    raise Unclear("a joined line in a here-document")
                i += 2
            elif self.text[i] == "$":
                i = self._dollar(i, in_quotes=True)
            elif self.text[i] == "`":
                raise Unclear("backquotes")
            else:
                i += 1
        return i + 1

    def _word(self, i: int) -> int:
        """The end of the word that begins at `i`."""
        text, start = self.text, i
        while i < len(text):
            char = text[i]
            if char in "<>" and text.startswith("(", i + 1):
                i = self._commands(i + 2, closing=")")
            elif char in _WORD_ENDS:
                break
            elif char == "\\":
                self._no_joint(i)
                i += 2
            elif char == "'":
                i = self._single(i)
            elif char == '"':
                i = self._double(i)
            elif char == "$":
                i = self._dollar(i, in_quotes=False)
            elif char == "`":
                raise Unclear("backquotes")
            else:
                i += 1
        if i > len(text) or i == start:
            raise Unclear("a word that does not end")
        if _SUBSCRIPT.match(text, start, i) and "]" not in text[start:i]:
            raise Unclear("a subscript")
        return i

    def _no_joint(self, i: int) -> None:
        """bash joins lines before it looks for words, so that `$`, a joint and `(` begin a substitution."""
        if self.text.startswith("\\\n", i):
            raise Unclear("a line joined in the middle of a word")

    def _single(self, i: int) -> int:
        end = self.text.find("'", i + 1)
        if end < 0:
            raise Unclear("an open quote")
        return end + 1

    def _double(self, i: int) -> int:
        i += 1
        while i < len(self.text):
            char = self.text[i]
            if char == '"':
                return i + 1
            if char == "`":
                raise Unclear("backquotes")
            if char == "\\":
                self._no_joint(i)
                i += 2
            elif char == "$":
                i = self._dollar(i, in_quotes=True)
            else:
                i += 1
        raise Unclear("an open quote")

    def _dollar(self, i: int, *, in_quotes: bool) -> int:
        text = self.text
        if text.startswith("$((", i):
            if match := _PLAIN_ARITHMETIC.match(text, i):
                return match.end()
            raise Unclear("arithmetic")
        if text.startswith("$(", i):
            return self._commands(i + 2, closing=")")
        if text.startswith("${", i):
            if match := _PLAIN_EXPANSION.match(text, i):
                return match.end()
            raise Unclear("an expansion that does more than give a value")
        if text.startswith("$[", i):
            raise Unclear("arithmetic")
        if not in_quotes and text.startswith("$'", i):
            end = re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL).match(text, i + 2)
            if end is None:
                raise Unclear("an open quote")
            return end.end()
        if not in_quotes and text.startswith('$"', i):
            raise Unclear("a translated string")
        return i + 1
