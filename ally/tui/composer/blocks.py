"""Long pastes and pictures, which stand in the text as one short mark each."""

import re
from collections.abc import Mapping

from ally.terminal.text import clean, one_line

FOLD_LINES = 8
FOLD_CHARACTERS = 1_000
"""What is longer, or has more lines, is folded when it is pasted."""

_LINE_ENDS = re.compile("\r\n?|\u0085|\u2028|\u2029")
_SEQUENCES = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(\x07|\x1b\\\\)")  # colours and links of terminals
_NAME_CHARACTERS = 40


def plain(text: str) -> str:
    """`text` as it may stand in the composer: every line end a line feed, nothing in it that a terminal obeys."""
    return clean(_SEQUENCES.sub("", _LINE_ENDS.sub("\n", text)))


def is_long(text: str) -> bool:
    """Whether a paste is folded."""
    return len(text) > FOLD_CHARACTERS or text.count("\n") >= FOLD_LINES


class Blocks:
    """What the marks in the text stand for: `[paste 1: 213 lines]`, `[picture 1: name.png 800x600]`.

    A mark is any place where its words stand, so that undo, cut and paste of the words take the block along.
    """

    def __init__(self, meant: Mapping[str, str] | None = None) -> None:
        self.meant: dict[str, str] = dict(meant or {})
        self._pattern: re.Pattern[str] | None = None
        self._compile()

    def fold(self, text: str, around: str) -> str:
        """A new mark for `text`; `around` is what is written already, which must not hold it by chance."""
        lines = text.count("\n") + (not text.endswith("\n"))
        size = f"{lines} lines" if lines > 1 else f"{len(text):,} characters"
        return self._add("paste", size, text, around)

    def picture(self, mention: str, about: str, around: str) -> str:
        """A new mark for the picture that `mention` names as `@path`; `about` is its name and size."""
        return self._add("picture", one_line(about).replace("]", ")")[-_NAME_CHARACTERS:], mention, around)

    def unfold(self, text: str) -> str:
        """`text` with what its marks stand for."""
        return self._pattern.sub(lambda found: self.meant[found[0]], text) if self._pattern else text

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where marks begin and end in `line`."""
        return [found.span() for found in self._pattern.finditer(line)] if self._pattern and "[" in line else []

    def within(self, text: str) -> dict[str, str]:
        """What the marks in `text` stand for, by mark."""
        return {found[0]: self.meant[found[0]] for found in self._pattern.finditer(text)} if self._pattern else {}

    def replace(self, meant: Mapping[str, str]) -> None:
        """Know only these; without any the next one has the number 1 again."""
        self.meant = dict(meant)
        self._compile()

    def _add(self, kind: str, about: str, text: str, around: str) -> str:
        number = 1
        while f"[{kind} {number}:" in around or any(mark.startswith(f"[{kind} {number}:") for mark in self.meant):
            number += 1
        mark = f"[{kind} {number}: {about}]"
        self.meant[mark] = text
        self._compile()
        return mark

    def _compile(self) -> None:
        self._pattern = re.compile("|".join(map(re.escape, self.meant))) if self.meant else None
