"""Where a text in Markdown is code."""

import re

_LONGEST_FENCE = 120
_CODE_INDENT = 4
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")
_TICKS = re.compile(r"`+")


class Markdown:
    """Follows a text and knows whether its end stands in a fenced block or in a code span."""

    def __init__(self) -> None:
        self._fence = ""
        self._line = ""
        self._lead = ""
        self._runs = 0
        self._last = ""

    @property
    def is_fenced(self) -> bool:
        """Inside a block between fences."""
        return bool(self._fence)

    @property
    def is_code(self) -> bool:
        """Inside a block, or inside a span between backticks."""
        return bool(self._fence) or self._runs % 2 == 1

    @property
    def is_blank(self) -> bool:
        """Whether nothing but white space and signs of quoting stand on the line yet."""
        return not self._line

    @property
    def is_quoted(self) -> bool:
        """Whether the line is one of a quotation, or of a block that is code by its indent."""
        return ">" in self._lead or len(self._lead.expandtabs(4)) >= _CODE_INDENT

    def advance(self, text: str) -> None:
        """`text` was said."""
        first, *others = text.split("\n")
        self._say(first)
        for line in others:
            self._end_line()
            self._say(line)

    def break_line(self) -> None:
        """What follows begins a line."""
        self._end_line()

    def _say(self, piece: str) -> None:
        if not piece:
            return
        if not self._line and len(self._lead) < _CODE_INDENT:
            self._lead += piece[: len(piece) - len(piece.lstrip(" \t>"))]
        if len(self._line) < _LONGEST_FENCE:
            self._line = (self._line + piece).lstrip(" \t\r>")[:_LONGEST_FENCE]
        self._runs += len(_TICKS.findall(piece)) - (self._last == "`" and piece[0] == "`")
        self._last = piece[-1]

    def _end_line(self) -> None:
        found = _FENCE.match(self._line)
        if found and not self._fence:
            self._fence = "" if found[1][0] == "`" and "`" in found[2] else found[1]
        elif found and found[1].startswith(self._fence) and not found[2].strip():
            self._fence = ""
        self._line, self._lead, self._runs, self._last = "", "", 0, ""
