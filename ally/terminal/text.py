"""The one place where text from models, tools, files and plug-ins becomes safe for a terminal."""

import re
import unicodedata

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks and overrides of writing direction
    "\u2028\u2029\ufeff\ud800-\udfff]"  # exotic line ends, BOM, lone surrogates
)

_LONGEST_GAP = 20  # more than any indentation that a person would write
_GAP = re.compile(f" {{{_LONGEST_GAP + 1},}}|\t{{{_LONGEST_GAP + 1},}}")
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"}
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0"  # drawn as nothing, or as a space
    "\ufe00-\ufe0f\U000e0100-\U000e01ef\U000e0000-\U000e007f]"  # variants and tags
)


def clean(text: str) -> str:
    """`text` without anything a terminal would obey: no escape sequences, no overrides of writing direction.

    Tabs and line feeds stay. It keeps no state, so a stream may be cleaned piece by piece.
    """
    return _UNSAFE.sub("", text)


def visible(text: str) -> str:
    """`text` in which everything is seen: what is drawn as nothing, as a space, or turns the line stands as ⟨U+202E⟩.

    For what somebody agrees to. Line feeds, tabs and plain spaces stay, a gap that pushes text out of sight is counted.
    """
    if text.isascii() and text.isprintable():
        marked = text
    else:
        marked = "".join(f"⟨U+{ord(char):04X}⟩" if _is_hidden(char) else char for char in text)
    return _GAP.sub(lambda gap: f"⟨{len(gap[0])} {'spaces' if gap[0][0] == ' ' else 'tabs'}⟩", marked)


def _is_hidden(char: str) -> bool:
    if char in " \n\t":
        return False
    return unicodedata.category(char) in _HIDDEN_CATEGORIES or _HIDDEN.match(char) is not None


def one_line(text: str) -> str:
    """`clean` text with runs of white space folded, for tables and messages of one line."""
    return " ".join(clean(text).split())
