"""How models write that something stands in source n: `[1 "exact words"]`, `"exact words" [1]`, `[1][2]`, and others.

A text is read while it still comes, so everything here asks a `Window` for characters, which raises `Undecided` where
the next one is not known yet.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

MAX_NUMBER = 999
_MAX_RANGE = 10
_NEAR = 10
"""A list of numbers none of which was given is taken for a citation if they are not far from those that were."""

_CLOSING = {"[": "]", "\u3010": "\u3011", "\uff3b": "\uff3d"}
_PAIRS = {
    '"': '"\u201d',
    "\u201c": '\u201d"',
    "\u201e": '\u201c\u201d\u201f"',
    "\u201f": "\u201d",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab\u00bb",
    "\u2039": "\u203a",
    "\u203a": "\u2039\u203a",
    "\u2018": "\u2019\u2018",
    "\u201a": "\u2018\u2019",
    "\u300c": "\u300d",
    "\u300e": "\u300f",
}
_INNER_PAIRS = {**_PAIRS, "'": "'\u2019", "`": "`"}
OPENERS = frozenset(_CLOSING)
QUOTE_OPENERS = frozenset(_PAIRS)
_UNSURE_CLOSERS = "'\u2019\u2018"
_BLANKS = " \t\u00a0\u202f"
_BLANKS_AND_BRACKETS = f"{_BLANKS}\n(["
_SEPARATORS = ",;:=|\u2013\u2014-\u2020"
_BETWEEN = frozenset(f"{_BLANKS}*_.,;:!?\u2026\u2013\u2014-(\u3002\uff0c")
_MAX_BETWEEN = 8
_CLAUSE_ENDS = frozenset(".,;:!?\u2026)]*_\"'\u201d\u00bb\n[\u3010\uff3b\u3002\uff0c\u3001\uff1b\uff1a\uff09")
_WORDS = re.compile(r"(?:sources?|passages?|documents?|docs?|refs?|quelle|fuente|fonte)\.?", re.IGNORECASE)
_LOCATION = re.compile(
    r"(?:(?:pp?|pages?|lines?|ll?|slides?|sheets?|rows?|chapters?|seiten?|zeilen?|s)\b\.?\s*\d|§|[\d\s,.\u2013-]+$"
    r"|\S*/|\S*\.\w{1,5}\b)",
    re.IGNORECASE,
)


class Undecided(Exception):
    """What it is depends on text that is still to come."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of an answer; `before` is what stands before it, `is_whole` that nothing comes after it."""

    text: str
    before: str = ""
    is_whole: bool = True

    def at(self, place: int) -> str:
        """The character there, "" behind the end.

        Raises:
            Undecided: it has not come yet.
        """
        if place < len(self.text):
            return self.text[place]
        if not self.is_whole:
            raise Undecided
        return ""

    def past_blanks(self, place: int) -> int:
        """The first place from `place` on where no blank is."""
        while (char := self.at(place)) and char in _BLANKS:
            place += 1
        return place


@dataclass(frozen=True, slots=True)
class Item:
    """One source that a marker names, and the words that are said to stand there."""

    number: int
    quotes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """Markers that belong together. `raw` is what the model wrote, beginning with the words before them if these are a
    quote: then `lead` is that part of `raw`, and `quote` the words."""

    raw: str
    groups: tuple[tuple[Item, ...], ...]
    lead: str = ""
    quote: str = ""


@dataclass(slots=True)
class _Open:
    """A marker while it is read."""

    numbers: list[int] = field(default_factory=list[int])
    quotes: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    def add(self, number: int) -> None:
        self.numbers.append(number)
        self.quotes.append(())

    def quote(self, words: str) -> None:
        self.quotes[-1] = (*self.quotes[-1], words)

    def items(self) -> tuple[Item, ...]:
        return tuple(Item(*pair) for pair in zip(self.numbers, self.quotes, strict=True))


def read_marker(
    window: Window, place: int, given: Collection[int], *, is_next: bool = False
) -> tuple[int, tuple[Item, ...]] | None:
    """The end of the marker that begins at `place`, and what it names; None if none begins there.

    `is_next`: another marker or a quote ends before it.

    Raises:
        Undecided: more has to come first.
    """
    found = _read_items(window, place)
    if found is None:
        return None
    end, items = found
    if window.at(place) == "[" and _is_of_markdown(window, place, end):
        return None
    has_quotes = any(item.quotes for item in items)
    if not has_quotes and len(items) > 1 and not any(item.number in given for item in items):
        highest = max(given, default=0)
        if any(item.number > highest + _NEAR for item in items):
            return None
    if not has_quotes and not is_next and not _may_follow(window, place, end):
        return None
    return end, items


def read_quoted(window: Window, place: int, given: Collection[int]) -> tuple[int, Claim] | None:
    """The end of the quote that begins at `place` and of the markers right after it; None if it is no such quote.

    Raises:
        Undecided: more has to come first.
    """
    opener = window.at(place)
    if window.before[-1:].isalnum() or window.at(place + 1).isspace():
        return None
    at = place + 1
    while char := window.at(at):
        if char == "\n" and window.at(at + 1) in ("\n", ""):
            return None
        if char == opener and window.text[at - 1] in _BLANKS_AND_BRACKETS:
            return None  # another quote begins
        if char in _PAIRS[opener]:
            if (markers := _markers_after(window, at + 1, given)) is not None:
                start, end, groups = markers
                raw = window.text[place:end]
                return end, Claim(raw, groups, window.text[place:start], window.text[place + 1 : at])
            if char not in _UNSURE_CLOSERS:
                return None
        at += 1
    return None


def read_markers(window: Window, place: int, given: Collection[int]) -> tuple[int, Claim] | None:
    """The end of the marker at `place` that no quote stands before, as a claim; None if there is none.

    Raises:
        Undecided: more has to come first.
    """
    found = read_marker(window, place, given)
    return None if found is None else (found[0], Claim(window.text[place : found[0]], (found[1],)))


def _markers_after(
    window: Window, place: int, given: Collection[int]
) -> tuple[int, int, tuple[tuple[Item, ...], ...]] | None:
    """Where the markers after a quote begin and end, and what they name."""
    start = place
    while (char := window.at(start)) and char in _BETWEEN:
        start += 1
        if start - place > _MAX_BETWEEN:
            return None
    groups: list[tuple[Item, ...]] = []
    end = at = start
    while window.at(at) in OPENERS and (found := read_marker(window, at, given, is_next=True)) is not None:
        end, items = found
        groups.append(items)
        at = end + 1 if window.at(end) == " " else end
    return (start, end, tuple(groups)) if groups else None


def _read_items(window: Window, place: int) -> tuple[int, tuple[Item, ...]] | None:
    closing = _CLOSING[window.at(place)]
    this = _Open()
    at = window.past_blanks(place + 1)
    if (first := _read_first(window, at)) is None:
        return None
    number, at = first
    this.add(number)
    while True:
        at = window.past_blanks(at)
        char = window.at(at)
        if char == closing:
            return at + 1, this.items()
        if char in _INNER_PAIRS and (found := _read_inner_quote(window, at, closing)):
            this.quote(found[1])
            at = found[0]
        elif char and char in _SEPARATORS:
            follows = _read_after_separator(window, at, closing, this)
            if follows is None:
                return None
            at = follows
        else:
            return None


def _read_first(window: Window, at: int) -> tuple[int, int] | None:
    """The first number, perhaps after ^ or a word such as `source`."""
    if window.at(at) == "^":
        return _read_number(window, at + 1)
    start = at
    while window.at(at).isalpha() and at - start < 10:
        at += 1
    if at > start:
        if not _WORDS.fullmatch(window.text[start:at]):
            return None
        at = window.past_blanks(at + 1 if window.at(at) in (".", ":", "#") else at)
    return _read_number(window, at + 1 if window.at(at) == "#" else at)


def _read_number(window: Window, at: int) -> tuple[int, int] | None:
    start = at
    while (char := window.at(at)).isascii() and char.isdigit():
        at += 1
        if at - start > 3:
            return None
    number = int(window.text[start:at] or 0)
    return (number, at) if 0 < number <= MAX_NUMBER else None


def _read_after_separator(window: Window, at: int, closing: str, this: _Open) -> int | None:
    """What follows `,` or the like: a quote, another number, the end of a range, or where it stands."""
    separator = window.at(at)
    at = window.past_blanks(at + 1)
    char = window.at(at)
    if char in _INNER_PAIRS:
        return at  # read as any quote
    if separator != "\u2020" and (char in ("^", "#") or char.isdigit()):
        found = _read_number(window, at if char.isdigit() else at + 1)
        if found is not None and window.at(window.past_blanks(found[1])) in (closing, *_SEPARATORS, *_INNER_PAIRS):
            return found[1] if _take(this, separator, found[0]) else None
    end = at
    while (char := window.at(end)) != closing:
        if not char or char == "\n" or char in OPENERS:
            return None
        end += 1
    words = window.text[at:end].strip()
    if separator == "\u2020" or not words or _LOCATION.match(words):
        return end
    if separator not in ":=" or len(words.split()) < 2:
        return None
    this.quote(words)
    return end


def _take(this: _Open, separator: str, number: int) -> bool:
    """One more number, or those of a range."""
    if separator in "-\u2013\u2014":
        first = this.numbers[-1]
        if not first < number <= first + _MAX_RANGE:
            return False
        for one in range(first + 1, number):
            this.add(one)
    this.add(number)
    return True


def _read_inner_quote(window: Window, place: int, closing: str) -> tuple[int, str] | None:
    """The quote within a marker: it ends where the marker ends or goes on after it."""
    closers = _INNER_PAIRS[window.at(place)]
    for at in _places_of(window, place + 1, closers):
        after = window.past_blanks(at + 1)
        char = window.at(after)
        if char == closing or char in _INNER_PAIRS:
            return at + 1, window.text[place + 1 : at]
        if char and char in ",;.":
            char = window.at(window.past_blanks(after + 1))
            if char == closing or char in _INNER_PAIRS or char in ("^", "#") or char.isdigit():
                return (after if window.text[after] != "." else after + 1), window.text[place + 1 : at]
    return None


def _places_of(window: Window, at: int, chars: str) -> Iterator[int]:
    while char := window.at(at):
        if char in chars:
            yield at
        at += 1


def _is_of_markdown(window: Window, place: int, end: int) -> bool:
    """Whether it is the text of a link, or begins the definition of one."""
    follows = window.at(end)
    if follows == "(":
        return True
    return follows == ":" and not (window.before + window.text[:place]).rpartition("\n")[2].strip(_BLANKS + ">")


def _may_follow(window: Window, place: int, end: int) -> bool:
    """Whether a marker without a quote may stand after what is before it: `a[1]` is none."""
    said = window.before + window.text[:place]
    last = said[-1:]
    if not last:
        return True
    if last in "\\$]_":
        return False
    if not last.isalnum() and last != ")":
        return True
    if last.isalnum() and last.lower() == last.upper() and not last.isdigit():
        return True  # a script without spaces between words
    word = re.search(r"[\w.$/-]*$", said)
    if last != ")" and (word is None or len(word[0]) < 3 or not word[0].isalpha()):
        return False
    return (follows := window.at(end)) == "" or follows in _CLAUSE_ENDS
