"""Text that comes in pieces, read as if all of it were there."""

import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

LONGEST_CALL = 4 * 2**20
"""Characters of one call that are held; a longer one is no call that any tool takes."""

_T = TypeVar("_T")
Wait = Generator[None, None, _T]
"""Something that is read from the tape; it stops wherever more text is needed to be certain."""

_SPELLINGS = str.maketrans({"\uff5c": "|", "\u2581": "_", **{chr(code): chr(code + 32) for code in range(65, 91)}})
_NOT_SPACE = re.compile(r"\S")
_IN_STRING = re.compile(r'["\\]')
_OUTSIDE = re.compile(r'["{}\[\]]')
_PYTHON = re.compile(r"[\"'(){}\[\]]")
_OPENING = "({["


@dataclass(frozen=True, slots=True)
class Literals:
    """Markers to look for, in one spelling: small letters, ASCII bars and underscores."""

    whole: frozenset[str]
    starts: frozenset[str]

    @classmethod
    def of(cls, words: Iterable[str]) -> "Literals":
        """The markers `words`, none of which begins another."""
        whole = frozenset(words)
        return cls(whole, frozenset(word[:size] for word in whole for size in range(1, len(word))))


class Tape:
    """What came and was not read yet, and what was read since `begin`.

    What waits does so by `yield`, whoever drives it adds text and goes on. Nothing is decided by where a piece ends, so
    the same text in other pieces is read the same.
    """

    def __init__(self) -> None:
        self.ended = False
        self.too_long = False
        self._text = ""
        self._at = 0
        self._taken: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        """More text."""
        self._text = self._text[self._at :] + text
        self._at = 0

    def begin(self) -> None:
        """What is read from here on is what `raw` gives."""
        self._taken, self._size, self.too_long = [], 0, False

    @property
    def raw(self) -> str:
        """All that was taken since `begin`."""
        return "".join(self._taken)

    @property
    def unread(self) -> int:
        """How many characters are there."""
        return len(self._text) - self._at

    def take(self, count: int) -> str:
        """The next `count` characters, as far as they are there."""
        piece = self._text[self._at : self._at + count]
        self._at += len(piece)
        self._size += len(piece)
        self._taken.append(piece)
        return piece

    def take_until(self, stop: re.Pattern[str], limit: int = LONGEST_CALL) -> str:
        """What is there before the next `stop`, a pattern of one character, at most `limit` characters."""
        found = stop.search(self._text, self._at, self._at + limit)
        return self.take(found.start() - self._at if found else min(limit, self.unread))

    def seen(self, count: int) -> str:
        """At most `count` of the characters that are there; nothing is waited for or taken."""
        return self._text[self._at : self._at + count]

    def peek(self, count: int) -> Wait[str]:
        """The next `count` characters, fewer only at the end."""
        while self.unread < count and not self.ended:
            yield
        return self.seen(count)

    def glance(self, count: int) -> Wait[str]:
        """The next `count` characters after white space, which stays; of a lot of it nothing is said."""
        size = count
        while True:
            head = yield from self.peek(size)
            body = head.lstrip()
            if len(body) >= count or len(head) < size or size > 256:
                return plain(body[:count])
            size += count - len(body)

    def sign_after(self, count: int) -> Wait[str]:
        """The first character after the next `count` and white space; "" at the end and after a lot of it."""
        size = count + 1
        while True:
            head = yield from self.peek(size)
            body = head[count:].lstrip()
            if body or len(head) < size or size > 256:
                return body[:1]
            size += 1

    def match(self, known: Literals) -> Wait[str]:
        """The one of `known` that comes next, "" for none; it is not taken."""
        size = 1
        while True:
            head = plain((yield from self.peek(size)))
            if head in known.whole:
                return head
            if len(head) < size or head not in known.starts:
                return ""
            size += 1

    def skip_space(self) -> Wait[None]:
        """Takes white space."""
        yield from self.run(_NOT_SPACE)

    def run(self, stop: re.Pattern[str], limit: int = LONGEST_CALL) -> Wait[str]:
        """Takes what comes before `stop`, a pattern of one character, at most `limit` characters."""
        pieces: list[str] = []
        while limit > 0:
            pieces.append(self.take_until(stop, limit))
            limit -= len(pieces[-1])
            if self.unread or self.ended:
                break
            yield
        return "".join(pieces)

    def until(self, stop: re.Pattern[str], longest: int) -> Wait[tuple[str, str]]:
        """Takes what comes before `stop` and `stop` itself, at most `longest` characters; "" if it never comes."""
        pieces: list[str] = []
        while True:
            found = stop.search(self._text, self._at)
            if found:
                pieces.append(self.take(found.start() - self._at))
                return "".join(pieces), self.take(found.end() - found.start())
            if self._is_over():
                pieces.append(self.take(self.unread))
                return "".join(pieces), ""
            if self.unread >= longest:
                pieces.append(self.take(self.unread - longest + 1))
            yield

    def some(self, stop: re.Pattern[str], longest: int, begins: str) -> tuple[str, str]:
        """As `until`, but only what is there and certain; `stop` begins with the character `begins`."""
        found = stop.search(self._text, self._at)
        if found:
            return self.take(found.start() - self._at), self.take(found.end() - found.start())
        end = -1 if self.ended else self._text.find(begins, max(self._at, len(self._text) - longest + 1))
        return self.take((len(self._text) if end < 0 else end) - self._at), ""

    def give_back(self, count: int) -> None:
        """The last `count` characters that were taken are to be read again."""
        self._at -= count
        self._taken = [self.raw[: len(self.raw) - count]]
        self._size -= count

    def json_value(self) -> Wait[tuple[str, bool]]:
        """Takes an object or array that begins here; False if it does not end. Only brackets and strings are seen."""
        pieces: list[str] = []
        depth, quoted = 0, False
        while True:
            pieces.append(self.take_until(_IN_STRING if quoted else _OUTSIDE))
            if not self.unread:
                if self._is_over():
                    return "".join(pieces), False
                yield
                continue
            sign = self.take(1)
            pieces.append(sign)
            if quoted and sign == "\\":
                pieces.append((yield from self.peek(1)))
                self.take(1)
            elif sign == '"':
                quoted = not quoted
            elif not quoted:
                depth += 1 if sign in _OPENING else -1
                if depth <= 0:
                    return "".join(pieces), True

    def python_value(self) -> Wait[tuple[str, bool]]:
        """Takes a bracketed Python expression that begins here; False if it does not end."""
        pieces: list[str] = []
        depth = 0
        while True:
            pieces.append(self.take_until(_PYTHON))
            if not self.unread:
                if self._is_over():
                    return "".join(pieces), False
                yield
                continue
            if self.seen(1) in "\"'":
                pieces.append((yield from self._python_string()))
                continue
            sign = self.take(1)
            pieces.append(sign)
            depth += 1 if sign in _OPENING else -1
            if depth <= 0:
                return "".join(pieces), True

    def _python_string(self) -> Wait[str]:
        head = yield from self.peek(3)
        quote = head if head == head[0] * 3 else head[0]
        pieces = [self.take(len(quote))]
        stop = re.compile(rf"[{quote[0]}\\]")
        while True:
            pieces.append(self.take_until(stop))
            if not self.unread:
                if self._is_over():
                    return "".join(pieces)
                yield
                continue
            head = yield from self.peek(len(quote))
            size = 2 if head[0] == "\\" else len(quote) if head == quote else 1
            yield from self.peek(size)
            pieces.append(self.take(size))
            if head == quote:
                return "".join(pieces)

    def _is_over(self) -> bool:
        self.too_long = self.too_long or self._size > LONGEST_CALL
        return self.ended or self.too_long


def plain(text: str) -> str:
    """`text` in the spelling of `Literals`, of the same length."""
    return text.translate(_SPELLINGS)
