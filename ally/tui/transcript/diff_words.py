"""Which parts of a changed line are different."""

import re

Span = tuple[int, int]
"""Where a part begins and ends, in characters."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_WORDS = 240
_LEAST_ALIKE = 0.4


def changed(old: str, new: str) -> tuple[list[Span], list[Span]]:
    """The parts of each line that the other has not; none if little is the same, for then all of it is different."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if not before or not after or len(before) + len(after) > _MOST_WORDS:
        return [], []
    from difflib import SequenceMatcher  # heavy

    matcher = SequenceMatcher(None, before, after, autojunk=False)
    codes = matcher.get_opcodes()
    alike = sum(len("".join(before[one:two]).strip()) for tag, one, two, _, _ in codes if tag == "equal")
    if alike < _LEAST_ALIKE * min(len(old.strip()), len(new.strip())):
        return [], []
    different = [code for code in codes if code[0] != "equal"]
    return (
        _spans(before, [(one, two) for _, one, two, _, _ in different]),
        _spans(after, [(one, two) for _, _, _, one, two in different]),
    )


def _spans(words: list[str], ranges: list[Span]) -> list[Span]:
    ends = [0]
    for word in words:
        ends.append(ends[-1] + len(word))
    spans: list[Span] = []
    for start, end in ranges:
        if spans and end > start and start and words[start - 1].isspace() and ends[start - 1] == spans[-1][1]:
            spans[-1] = (spans[-1][0], ends[end])  # only a blank between them
        elif end > start:
            spans.append((ends[start], ends[end]))
    return spans
