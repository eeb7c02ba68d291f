"""A numbered list in plain lines: every option keeps its number, however the list is narrowed."""

from collections.abc import Iterator, Sequence

from ally.chat.front import Option
from ally.chat.fuzzy import folded, score, words_of
from ally.terminal.table import columns, hang, width
from ally.terminal.text import one_line

FEWEST_ROWS = 5
_CURRENT = "(now)"
_NOT_NOW = "not now: "


class NumberedList:
    """Options under their groups, a screenful of `rows` lines at a time, at most `space` columns wide."""

    def __init__(self, options: Sequence[Option], space: int | None, rows: int) -> None:
        groups = list(dict.fromkeys(option.group for option in options))
        self.options = sorted(options, key=lambda option: groups.index(option.group))
        self._space, self._rows = space, max(FEWEST_ROWS, rows)
        self._listed: Sequence[int] = range(len(self.options))
        self._shown = 0

    @property
    def has_more(self) -> bool:
        """Whether a part of the list was not shown yet."""
        return self._shown < len(self._listed)

    def at(self, number: int) -> Option | None:
        """The option of that number."""
        return self.options[number - 1] if 0 < number <= len(self.options) else None

    def called(self, text: str) -> Option | None:
        """The one option of exactly that name."""
        wanted = text.casefold()
        found = [one for one in self.options if wanted in (one.value.casefold(), one_line(one.label).casefold())]
        return found[0] if len(found) == 1 else None

    def narrow(self, text: str) -> int:
        """List what has every word of `text` in it, else what has their letters; how many there are.

        Where there are none, the list stays as it was.
        """
        words = words_of(text)
        texts = [folded(" ".join((one.label, *one.cells, one.group))) for one in self.options]
        found = [at for at, text in enumerate(texts) if all(word in text for word in words)]
        found = found or [at for at, text in enumerate(texts) if score(words, text) is not None]
        if found:
            self._listed, self._shown = found, 0
        return len(found)

    def widen(self) -> None:
        """List everything again, from the beginning."""
        self._listed, self._shown = range(len(self.options)), 0

    def page(self) -> list[str]:
        """The next screenful."""
        listed = self._listed[self._shown : self._shown + self._rows]
        self._shown += len(listed)
        lines = list(self._under_groups(listed))
        if left := len(self._listed) - self._shown:
            lines.append(f"… {left} more: the word more lists them")
        return lines

    def described(self, number: int) -> str:
        """All that the list says of an option, on a line."""
        option = self.options[number - 1]
        why = f"{_NOT_NOW}{option.why_not}" if option.why_not else ""
        mark = _CURRENT if option.is_current else ""
        return ", ".join(filter(None, map(one_line, (option.label, mark, *option.cells, why))))

    def _under_groups(self, listed: Sequence[int]) -> Iterator[str]:
        group = None
        for at, line in zip(listed, self._lines(listed), strict=True):
            if (own := one_line(self.options[at].group)) != group:
                group = own
                if group:
                    yield f"{group}:"
            yield line

    def _lines(self, listed: Sequence[int]) -> list[str]:
        digits = len(str(len(self.options)))
        rows = [(f"{at + 1:>{digits}}  {self._name(at)}", *self._cells(at)) for at in listed]
        lines = columns(rows, space=self._space) if rows else []
        if self._space is None or all(width(line) <= self._space for line in lines):
            return lines
        return [hang(f"{at + 1:>{digits}}  ", self.described(at + 1), self._space) for at in listed]

    def _name(self, at: int) -> str:
        option = self.options[at]
        return f"{one_line(option.label)} {_CURRENT}" if option.is_current else one_line(option.label)

    def _cells(self, at: int) -> tuple[str, ...]:
        option = self.options[at]
        most = max(len(one.cells) for one in self.options)
        why = f"{_NOT_NOW}{one_line(option.why_not)}" if option.why_not else ""
        return (*option.cells, *[""] * (most - len(option.cells)), why)
