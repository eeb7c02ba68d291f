"""What a full screen may write to its terminal, and texts that try to make it write more."""

import random
import re
from collections.abc import Iterator

_PAINTED = re.compile(
    r"\x1b\[[\d;]*m"  # colours and weights
    r"|\x1b\[\d+;\d+H"  # where to write
    r"|\x1b\[\?(?:25|2026)[hl]"  # the cursor, and one whole frame
    r"|\r?\n"  # the next row of a frame
)
_STARTED = re.compile(
    r"\x1b\[\?(?:1049|1000|1003|1004|1006|1015|1016|2004|2048|7)[hl]"  # modes of the screen and its mouse
    r"|\x1b\[[<>=]\d*(?:;\d+)*u"  # how keys are told
    r"|\x1b\[\?(?:2026|2048)\$p|\x1b\[\?u|\x1b\[>?0?c|\x1b\]1[01];\?(?:\x07|\x1b\\)"  # questions
    r"|\x1b\]22;[a-z-]*(?:\x07|\x1b\\)"  # the pointer of the mouse
    r"|\x1b\[K|\x1b\[0? ?q|\x1b\[2J|\x1b\[H|\x07"
)
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff]")

_SEQUENCES = (
    "\x1b[2J", "\x1b[31m", "\x1b[999;999H", "\x1b[?1049l", "\x1b[6n", "\x1b[c", "\x1b[>q", "\x1b[?2026h", "\x1b[20t",
    "\x1b]52;c;aGFja2Vk\x07", "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "\x1b]0;title\x07", "\x1b]2;t\x9c",
    "\x1b]777;notify;a;b\x1b\\", "\x1b]9;4;1;50\x07", "\x1b]1337;File=:AAAA\x07", "\x1bP$qm\x1b\\", "\x1b_Gq=2;\x1b\\",
    "\x1b^pm\x1b\\", "\x1bX\x1b\\", "\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1bc", "\x1b(0", "\x1b#8", "\x1b=", "\x0e",
    "\x0f", "\x9b31m", "\x9d52;c;aGk=\x9c", "\x90q\x9c", "\x9e\x9c", "\x84", "\x85", "\x00", "\x07", "\x08\x08", "\x0b",
    "\x0c", "\x7f", "\r", "\r\n", "\n", "\n\n", "\t",
)  # fmt: skip
_MARKS = (
    "[red]x[/red]", "[/]", "[@click=app.quit]x[/]", "[link=http://evil.example]x[/link]", "[b", "[$accent]", "[[",
    "\\[", "[on red]", ":smile:", "**b", "~~", "`", "```", "```python\n", "# ", "| a | b |\n|--|--|\n| 1 |", "> ",
    "1. ", "- ", "[a](http://evil.example)", "![p](data:image/png;b,AA)", "<b>", "&amp;", "$(x)", "@@ -1,1 +1,1 @@\n",
    "\n+", "\n-", "diff --git a/x b/x\n", "⟨U+0041⟩",
)  # fmt: skip
_LETTERS = (
    "\u202eabc", "\u2066x\u2069", "\u200f", "\u061c", "\u2028", "\u2029", "\ufeff", "\ud800", "\udfff", "e\u0301",
    "a" + "\u0301" * 60, "\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u2601\ufe0f", "\u200d", "\u200b",
    "\U000e0041", "\u6f22\u5b57", "\uff21", "\u3164", "\u00ad", "\u05d0\u05d1", "\u0627", "\ufffd", "\U0010ffff",
    "\u0e33", "\ufdfd", "x" * 300, "\u6f22" * 120, " " * 60, "a b c ",
)  # fmt: skip


def stray(written: str, *, is_whole: bool = False) -> list[str]:
    """What of `written` is neither text nor what painting needs; `is_whole`: also how a screen begins and ends."""
    rest = _PAINTED.sub("", written)
    if is_whole:
        rest = _STARTED.sub("", rest)
    return [rest[max(0, found.start() - 20) : found.end() + 20] for found in _OBEYED.finditer(rest)]


def hostile(chance: random.Random, count: int) -> Iterator[str]:
    """So many texts, each of a few pieces that somebody may want to be obeyed, drawn over, or stumbled upon."""
    for _ in range(count):
        pieces = [_piece(chance) for _ in range(chance.randint(1, 6))]
        if chance.random() < 0.2:  # cut within a sequence or a character
            pieces[-1] = pieces[-1][: chance.randint(1, len(pieces[-1]))]
        yield "".join(pieces)


def _piece(chance: random.Random) -> str:
    match chance.randrange(8):
        case 0 | 1 | 2:
            return chance.choice(_SEQUENCES)
        case 3 | 4:
            return chance.choice(_MARKS)
        case 5 | 6:
            return chance.choice(_LETTERS)
        case _:
            return "".join(chr(chance.randrange(0x3000 if chance.random() < 0.9 else 0x110000)) for _ in range(8))
