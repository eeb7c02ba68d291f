"""An answer while it comes: text that can be shown at once, and claims that have to be checked first."""

import re
from collections.abc import Callable, Collection, Iterator

from ally.rag.citing.markers import OPENERS, QUOTE_OPENERS, Claim, Undecided, Window, read_markers, read_quoted

MAX_HELD = 600
"""So many characters are held back at most; what is not decided by then is plain text."""

_BEFORE = 80
_SPECIAL = re.compile(f"[\n`~{re.escape(''.join(sorted(OPENERS | QUOTE_OPENERS)))}]")
_LINE_START = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?")
_BLANK_LINE = re.compile(r"\n[ \t>]*\n")


class Scanner:
    """Takes text in pieces of any size; how it was cut makes no difference. `given` are the numbers that exist."""

    def __init__(self, given: Collection[int]) -> None:
        self._given = given
        self._held = ""
        self._before = ""
        self._fence = ""

    @property
    def held(self) -> str:
        """What was taken and is not given back yet."""
        return self._held

    def feed(self, text: str) -> list[str | Claim]:
        """What is decided now, in order."""
        self._held += text
        return list(_joined(self._scan(is_whole=False)))

    def finish(self) -> list[str | Claim]:
        """The rest: nothing more comes, or something that is no text. What follows begins anew."""
        pieces = list(_joined(self._scan(is_whole=True)))
        self._before = self._fence = ""
        return pieces

    def _scan(self, *, is_whole: bool) -> Iterator[str | Claim]:
        while self._held:
            if self._fence:
                yield self._in_fence()
                continue
            special = _SPECIAL.search(self._held)
            if special is None:
                yield self._take(len(self._held))
                return
            if special.start():
                yield self._take(special.start())
            window = Window(self._held[:MAX_HELD], self._before, is_whole and len(self._held) <= MAX_HELD)
            try:
                piece = self._decide(window)
            except Undecided:
                if len(self._held) < MAX_HELD and not is_whole:
                    return
                piece = 1
            if isinstance(piece, int):
                yield self._take(piece)
            else:
                self._take(len(piece.raw))
                if self._before.endswith("]"):
                    self._before = self._before[:-1] + " "  # another marker may follow at once
                yield piece

    def _decide(self, window: Window) -> Claim | int:
        """What begins with the first character: a claim, or so much plain text."""
        char = window.text[0]
        read: Callable[[Window, int, Collection[int]], tuple[int, Claim] | None]
        if char == "\n":
            return 1
        if char in "`~":
            return self._code(window, char)
        read = read_markers if char in OPENERS else read_quoted
        found = read(window, 0, self._given)
        return 1 if found is None else found[1]

    def _code(self, window: Window, char: str) -> int:
        """The characters of a code span, or of the marks that begin a block of code or nothing."""
        size = 1
        while window.at(size) == char:
            size += 1
        line = self._before.rpartition("\n")[2]
        if size >= 3 and _LINE_START.fullmatch(line) and len(line) < _BEFORE:
            end = size
            while (following := window.at(end)) not in ("\n", "", "`"):
                end += 1
            if following != "`" or char == "~":
                self._fence = char * size
                return end + 1 if following == "\n" else end
        if char == "~":
            return size
        return self._span(window, size)

    def _span(self, window: Window, size: int) -> int:
        """To the end of a code span, or behind the marks that begin none."""
        text = window.text
        blank = _BLANK_LINE.search(text, size)
        stop = blank.start() if blank else len(text)
        for run in re.finditer("`+", text[:stop]):
            if run.start() and len(run[0]) == size:
                if run.end() == len(text):
                    window.at(run.end())  # the run may be longer
                return run.end()
        if blank is None:
            window.at(len(text))
        return size

    def _in_fence(self) -> str:
        """Up to the end of the line; the block may end with it."""
        end = self._held.find("\n") + 1
        text = self._take(end or len(self._held))
        if end:
            line = self._before[:-1].rpartition("\n")[2].lstrip(" \t>").rstrip()
            if len(line) >= len(self._fence) and not line.strip(self._fence[0]):
                self._fence = ""
        return text

    def _take(self, count: int) -> str:
        taken, self._held = self._held[:count], self._held[count:]
        self._before = (self._before + taken)[-_BEFORE:]
        return taken


def _joined(pieces: Iterator[str | Claim]) -> Iterator[str | Claim]:
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            yield text
            text = ""
        yield piece
    if text:
        yield text
