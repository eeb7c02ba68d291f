"""Questions whose answer is known, made of the documents themselves.

A heading asks for the text below it, a title for its document, the first sentence of a section for the rest of it. What
became a question is masked where passages are searched, so that it is not found by being repeated.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from ally.rag.document import Extracted
from ally.rag.evaluate.evaluation import Kind

_MOST_TARGETS = 3
"""What more sections are called ("Examples") asks for nothing."""

_LEAST_CHARS = 80
_LONGEST_STRETCH = 3000
_NUMBER = re.compile(r"^(?:[\dIVX]+[.)]?)+\s+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = re.compile(r"\s*(\S[^.!?\n]{25,250}[.!?])(?=\s)")
_Made = tuple[Kind, str, "Target", tuple[int, int] | None]
"""Kind, text and target of a question, and the stretch of the document's text that must be masked for it."""

_KINDS: tuple[Kind, ...] = ("titles", "headings", "sentences", "generated")


@dataclass(frozen=True, slots=True)
class Target:
    """Characters `start` up to `end` of a document's text, where the answer is."""

    path: str
    start: int
    end: int

    def is_hit(self, path: str, start: int, end: int) -> bool:
        """Whether a hit shares at least half of itself, or of the target, with the target."""
        shared = min(self.end, end) - max(self.start, start)
        return path == self.path and shared > 0 and 2 * shared >= min(self.end - self.start, end - start)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked and where the answer is."""

    text: str
    kind: Kind
    targets: tuple[Target, ...]


@dataclass(slots=True)
class Questions:
    """All that can be asked of some documents, and what has to be masked in each: stretches of its text, in order."""

    found: list[Question] = field(default_factory=list[Question])
    masks: dict[str, list[tuple[int, int]]] = field(default_factory=dict[str, list[tuple[int, int]]])


@dataclass(frozen=True, slots=True)
class Writer:
    """What writes a question that a text answers, "" if it cannot, and whether it may see the file of a path."""

    write: Callable[[str], str]
    may_see: Callable[[str], bool] = lambda path: True


def make_questions(documents: Mapping[str, Extracted], count: int, writer: Writer | None = None) -> Questions:
    """Up to `count` questions, about as many of each kind; the same for the same documents."""
    made = Questions()
    by_kind: dict[Kind, list[Question]] = {kind: [] for kind in _KINDS}
    asked: defaultdict[tuple[Kind, str], list[Target]] = defaultdict(list)
    for path, document in documents.items():
        masks = made.masks.setdefault(path, [])
        for kind, text, target, mask in _of_document(path, document):
            asked[kind, text].append(target)
            if mask is not None:
                masks.append(mask)
        masks.sort()
    for (kind, text), targets in asked.items():
        if len(targets) <= _MOST_TARGETS:
            by_kind[kind].append(Question(text, kind, tuple(targets)))
    for kind in ("titles", "headings", "sentences"):
        by_kind[kind].sort(key=lambda question: in_a_fixed_disorder(question.text))
    if writer is not None:
        wanted = max(1, count // (1 + sum(map(bool, by_kind.values()))))
        by_kind["generated"] = list(_generated(documents, wanted, writer))
    made.found = _evenly(by_kind.values(), count)
    return made


def in_a_fixed_disorder(text: str) -> bytes:
    """Sorts texts by nothing they have in common, the same way each time."""
    return sha256(text.encode("utf-8", "replace")).digest()


def _of_document(path: str, document: Extracted) -> Iterator[_Made]:
    text = document.text
    ends = [*(heading.start for heading in document.headings[1:]), len(text)]
    title_line = None
    for heading, end in zip(document.headings, ends, strict=False):
        line_end = text.find("\n", heading.start)
        below = end if line_end < 0 else line_end + 1
        name = _NUMBER.sub("", heading.text).strip()
        if heading.text == document.title:
            title_line = (heading.start, below)
        elif _asks(name) and len(text[below:end].strip()) >= _LEAST_CHARS:
            yield "headings", name, Target(path, below, end), (heading.start, below)
        yield from _first_sentence(path, text, below, end)
    if _asks(document.title):
        yield "titles", document.title, Target(path, 0, len(text)), title_line
    if not document.headings:
        for start in range(0, len(text), _LONGEST_STRETCH):
            yield from _first_sentence(path, text, start, min(len(text), start + _LONGEST_STRETCH))


def _first_sentence(path: str, text: str, start: int, end: int) -> Iterator[_Made]:
    found = _SENTENCE.search(text, start, end)
    if found and len(_WORD.findall(found[1])) >= 6 and len(text[found.end(1) : end].strip()) >= _LEAST_CHARS:
        target = Target(path, found.end(1), min(end, found.end(1) + _LONGEST_STRETCH))
        yield "sentences", " ".join(found[1].split()), target, found.span(1)


def _asks(text: str) -> bool:
    return 2 <= len(_WORD.findall(text)) <= 20


def _generated(documents: Mapping[str, Extracted], count: int, writer: Writer) -> Iterator[Question]:
    stretches = [
        Target(path, start, min(len(document.text), start + _LONGEST_STRETCH // 3))
        for path, document in documents.items()
        if writer.may_see(path)
        for start in range(0, len(document.text), _LONGEST_STRETCH)
    ]
    stretches.sort(key=lambda one: in_a_fixed_disorder(f"{one.path} {one.start}"))
    for target in stretches[:count]:
        stretch = documents[target.path].text[target.start : target.end]
        if len(stretch.strip()) >= _LEAST_CHARS and (text := " ".join(writer.write(stretch).split())):
            yield Question(text, "generated", (target,))


def _evenly(kinds: Iterable[Sequence[Question]], count: int) -> list[Question]:
    """The first of each kind, then the second of each, until there are enough; kinds stay together."""
    left = [list(kind) for kind in kinds]
    taken = [0] * len(left)
    while sum(taken) < count and any(taken[n] < len(kind) for n, kind in enumerate(left)):
        for n, kind in enumerate(left):
            if taken[n] < len(kind) and sum(taken) < count:
                taken[n] += 1
    return [question for n, kind in enumerate(left) for question in kind[: taken[n]]]
