"""Where a text that was not found most likely was meant to be, and what differs there."""

import difflib
import re
import unicodedata
from collections import Counter, defaultdict

from ally.storage.encoding import END, visible

_MOST_PLACES = 50
_MOST_COMPARED = 3_000
_MOST_SHOWN = 12
_LONGEST = 300
_NUMBERED = re.compile(r" *\d+(\t|→)")
_QUOTES = str.maketrans(
    "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2013\u2014\u2212\u00a0",
    "'" * 4 + '"' * 4 + "-" * 3 + " ",
)


def explain(text: str, old: str, new: str) -> str:
    """What to do about `old` not being in `text`: the nearest place with its line numbers, and what differs there."""
    lines, wanted = END.split(text), END.split(old)
    if all(_NUMBERED.match(line) for line in wanted if line):
        return "It begins with line numbers, which are no part of the file; leave them out."
    while len(wanted) > 1 and not wanted[-1].strip():
        wanted = wanted[:-1]
    while len(wanted) > 1 and not wanted[0].strip():
        wanted = wanted[1:]
    at = _place(lines, wanted)
    if at is None:
        done = len(new) > 20 and "\n".join(END.split(new)) in "\n".join(lines)
        return "The new text is there already." if done else "Nothing like it is there; read the file again."
    found = lines[at : at + len(wanted)]
    return f"Nearest are lines {at + 1}-{at + len(found)}; {_differences(at, found, wanted)}"


def _place(lines: list[str], wanted: list[str]) -> int | None:
    """The line at which most lines of `wanted`, white space and quotes aside, are in their places."""
    where: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        if len(where[folded := _fold(line)]) < _MOST_PLACES:
            where[folded].append(number)
    votes: Counter[int] = Counter()
    for number, line in enumerate(wanted):
        if folded := _fold(line):
            # A line that is in many places says little about which one is meant.
            for there in where.get(folded, ()):
                votes[there - number] += len(folded) * 1000 // len(where[folded])
    if votes:
        return max(0, max(votes, key=lambda at: (votes[at], -at)))
    return _similar(lines, wanted)


def _similar(lines: list[str], wanted: list[str]) -> int | None:
    """By the longest line of `wanted`: where the line most like it is."""
    number, longest = max(enumerate(wanted), key=lambda one: len(one[1].strip()))
    longest = _fold(longest)[:_LONGEST]
    words = set(re.findall(r"\w+", longest))
    if not words:
        return None
    sharing = Counter({at: len(words & set(re.findall(r"\w+", line[:2000]))) for at, line in enumerate(lines)})
    near = [at for at, count in sharing.most_common(_MOST_COMPARED) if count or len(lines) < _MOST_COMPARED]
    best, best_ratio = None, 0.6
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(longest)
    for at in near:
        matcher.set_seq1(_fold(lines[at])[:_LONGEST])
        if matcher.real_quick_ratio() > best_ratio and matcher.quick_ratio() > best_ratio:
            ratio = matcher.ratio()
            if ratio > best_ratio:
                best, best_ratio = at, ratio
    return None if best is None else max(0, best - number)


def _differences(at: int, found: list[str], wanted: list[str]) -> str:
    # The first and the last line of an old text may be parts of lines.
    pairs = [
        (at + offset + 1, there, asked)
        for offset, (there, asked) in enumerate(zip(found, wanted, strict=False))
        if not _agrees(there, asked, is_first=offset == 0, is_last=offset == len(wanted) - 1)
    ]
    if not pairs:
        return "there is something else before or after them"
    only_space = all(_fold(there) == _fold(asked) for _, there, asked in pairs)
    shown = [f"{number}: the file has {_quote(there)}, not {_quote(asked)}" for number, there, asked in pairs]
    more = [f"and {len(shown) - _MOST_SHOWN} more lines differ"] if len(shown) > _MOST_SHOWN else []
    what = "only white space or quotes differ" if only_space else "they differ"
    return "\n".join([f"{what}:", *shown[:_MOST_SHOWN], *more])


def _agrees(there: str, asked: str, *, is_first: bool, is_last: bool) -> bool:
    if is_first and is_last:
        return asked in there
    return there.endswith(asked) if is_first else there.startswith(asked) if is_last else there == asked


def _fold(line: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", line.translate(_QUOTES)).split())


def _quote(line: str) -> str:
    """The line with tabs and other invisible characters shown."""
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in visible(line[:_LONGEST]))
    return f"“{shown}{'…' if len(line) > _LONGEST else ''}”"
