"""A numbered list in plain lines: every option keeps its number, however the list is narrowed."""

from collections.abc import Iterator, Sequence

from ally.chat.front import Option
from ally.chat.fuzzy import folded, score, words_of
from ally.terminal.table import columns, hang, width
from ally.terminal.text import one_line

FEWEST_ROWS = 5
_CURRENT = "(now)"
_NOT_NOW = "not now"
_UNKNOWN = "?"


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
        lines: list[str] = []
        begun = self._shown
        for part in self._under_groups(self._listed[begun : begun + self._rows]):
            if lines and len(lines) + len(part) > self._rows:
                break
            lines += part
            self._shown += 1
        if left := len(self._listed) - self._shown:
            lines.append(f"… {left} more: the word more lists them")
        return lines

    def described(self, number: int) -> str:
        """All that the list says of an option, on a line."""
        option = self.options[number - 1]
        why = f"{_NOT_NOW}: {option.why_not}" if option.why_not else ""
        mark = _CURRENT if option.is_current else ""
        return _listed(option.label, mark, *option.cells, why)

    def _under_groups(self, listed: Sequence[int]) -> Iterator[list[str]]:
        """The lines of each, the first of a group with its name above."""
        group = None
        for at, line in zip(listed, self._lines(listed), strict=True):
            own = one_line(self.options[at].group)
            yield [*([f"{own}:"] if own and own != group else []), *line.split("\n")]
            group = own

    def _lines(self, listed: Sequence[int]) -> list[str]:
        """In columns where they fit, in sentences where those are a screenful, else in columns that are cut.

        Where there is no room for why an option cannot be had, it has only a mark.
        """
        sentences: list[str] = []
        for is_whole in (True, False):
            lines = self._columns(listed, is_whole=is_whole)
            if self._fit(lines, is_cut=False):
                return lines
            sentences = [hang(self._number(at), self._sentence(at, is_whole=is_whole), self._space) for at in listed]
            if sum(line.count("\n") + 1 for line in sentences) <= self._rows:
                return sentences
        lines = self._columns(listed, is_whole=False)
        return lines if self._fit(lines, is_cut=True) else sentences

    def _fit(self, lines: list[str], *, is_cut: bool) -> bool:
        if self._space is None:
            return True
        return all(width(line) <= self._space and (is_cut or not line.endswith("…")) for line in lines)

    def _columns(self, listed: Sequence[int], *, is_whole: bool) -> list[str]:
        most = max((len(self.options[at].cells) for at in listed), default=0)
        rows = [(self._number(at) + self._name(at, is_whole=is_whole), *self._cells(at, most)) for at in listed]
        if is_whole:
            rows = [(*row, self._why(at)) for at, row in zip(listed, rows, strict=True)]
        return columns(rows, space=self._space) if rows else []

    def _number(self, at: int) -> str:
        return f"{at + 1:>{len(str(len(self.options)))}}  "

    def _name(self, at: int, *, is_whole: bool) -> str:
        option = self.options[at]
        mark = _CURRENT if option.is_current else f"({_NOT_NOW})" if option.why_not and not is_whole else ""
        return f"{one_line(option.label)} {mark}".rstrip()

    def _cells(self, at: int, most: int) -> tuple[str, ...]:
        cells = self.options[at].cells
        return (*cells, *[""] * (most - len(cells)))

    def _why(self, at: int) -> str:
        why = one_line(self.options[at].why_not)
        return f"{_NOT_NOW}: {why}" if why else ""

    def _sentence(self, at: int, *, is_whole: bool) -> str:
        known = (cell for cell in self.options[at].cells if cell != _UNKNOWN)
        return _listed(self._name(at, is_whole=is_whole), *known, self._why(at) if is_whole else "")


def _listed(*parts: str) -> str:
    return ", ".join(filter(None, map(one_line, parts)))
