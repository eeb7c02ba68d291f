"""How many tokens any stretch of a text has, after counting it once."""

from bisect import bisect_right
from collections.abc import Iterator

from ally.rag.embeddings.counting import TokenCounter

_GRAIN = 240
"""Characters that are counted at once: a call of a tokenizer costs as much as some twenty of them."""
_CHARACTERS_FOR_A_TOKEN = 16
"""A token stands for at most this many: to some tokenizers a megabyte without a space is one unknown word."""


class Tally:
    """Tokens of stretches of one text, about; what the counter adds to every text (marks of begin and end) is left out.

    Between the points where it was counted it takes tokens to be spread evenly.
    """

    def __init__(self, text: str, counter: TokenCounter) -> None:
        empty = counter("")
        self._starts = [0]
        self._sums = [0.0]
        for start, end in _grains(text):
            tokens = max(counter(text[start:end]) - empty, (end - start) / _CHARACTERS_FOR_A_TOKEN)
            self._starts.append(end)
            self._sums.append(self._sums[-1] + tokens)

    def tokens(self, start: int, end: int) -> float:
        """About the tokens of the characters `start` up to `end`."""
        return self._until(end) - self._until(start)

    def _until(self, offset: int) -> float:
        index = bisect_right(self._starts, offset) - 1
        before, start = self._sums[index], self._starts[index]
        if offset == start:
            return before
        share = (offset - start) / (self._starts[index + 1] - start)
        return before + (self._sums[index + 1] - before) * share


def _grains(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of up to `_GRAIN` characters, ending with a line or a word where that is near."""
    start = 0
    while start < len(text):
        end = min(start + _GRAIN, len(text))
        if end < len(text):
            first = start + _GRAIN // 4
            end = (text.rfind("\n", first, end) + 1) or (text.rfind(" ", first, end) + 1) or end
        yield start, end
        start = end
