"""Which of the passages found are given, and as what: without repetitions, not all of one file, whole stretches."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from ally.rag.document import Place, Places
from ally.rag.search.duplicates import Seen
from ally.rag.search.hit import Hit, Why
from ally.rag.search.query import Query
from ally.rag.search.reading import Read
from ally.rag.stores.base import Collection, Stored

BYTES_PER_TOKEN = 3.6
"""As the engine estimates prompts."""

SMALL_GAP_TOKENS = 120
"""A passage between two that are given comes along if it costs no more."""

_FRAME_TOKENS = 16
"""Path and headings, which are shown with every passage."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What is given and what is not, best first."""

    hits: tuple[Hit, ...]
    dropped: tuple[Hit, ...]


def pack(found: Sequence[Read], query: Query) -> Packed:
    """Choose of `found`, best first, what fits into `query`, and join what stands together in a document."""
    choice = _Choice(query, _allowed_of_one(found, query))
    for one in found:
        if len(choice.kept) >= query.limit:
            break
        choice.consider(one)
    return Packed(tuple(_join(choice)), tuple(choice.dropped))


def about_tokens(text: str) -> int:
    """About how many tokens a text costs in a prompt."""
    return round(len(text.encode(errors="replace")) / BYTES_PER_TOKEN) + 1


@dataclass(slots=True)
class _Choice:
    """What was chosen so far."""

    query: Query
    per_source: int
    kept: list[Read] = field(default_factory=list[Read])
    dropped: list[Hit] = field(default_factory=list[Hit])
    tokens: int = 0
    _seen: Seen[Read] = field(default_factory=Seen["Read"])
    _sources: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    def consider(self, one: Read) -> None:
        """Keep a passage, or note why not."""
        if (same := self._seen.find(one.stored.passage.text)) is not None:
            self._drop(one, f"says the same as {_where(same.stored)}")
        elif self._sources[one.source] >= self.per_source:
            self._drop(one, f"{self.per_source} passages of its file are given already")
        elif not self.spend(_cost(one.stored)):
            self._drop(one, "there is no room for it")
        else:
            self._sources[one.source] += 1
            self._seen.keep(one.stored.passage.text, one)
            self.kept.append(one)

    def spend(self, tokens: int) -> bool:
        """Take room for `tokens`, if there is as much."""
        if self.tokens + tokens > self.query.max_tokens:
            return False
        self.tokens += tokens
        return True

    def _drop(self, one: Read, reason: str) -> None:
        self.dropped.append(_hit([one.stored], one.collection, replace(one.why, notes=(*one.why.notes, reason))))


def _allowed_of_one(found: Sequence[Read], query: Query) -> int:
    sources = len({one.source for one in found})
    return max(query.per_source, -(-query.limit // max(1, sources)))


def _join(choice: _Choice) -> Iterable[Hit]:
    """The hits of what was kept, in the order of the best passage of each."""
    runs = [run for source in _by_source(choice.kept).values() for run in _runs(source, choice)]
    rank = {id(one): rank for rank, one in enumerate(choice.kept)}
    runs.sort(key=lambda run: min(rank[id(one)] for one in run.found))
    for run in runs:
        best = min(run.found, key=lambda one: rank[id(one)])
        yield _hit(run.passages, best.collection, _why(run, best))


@dataclass(slots=True)
class _Run:
    """Passages of one document in a row; `found` are those that were found, the others fill gaps."""

    found: list[Read]
    passages: list[Stored]


def _by_source(kept: Iterable[Read]) -> dict[tuple[str, str], list[Read]]:
    sources: dict[tuple[str, str], list[Read]] = {}
    for one in kept:
        sources.setdefault(one.source, []).append(one)
    return sources


def _runs(source: Iterable[Read], choice: _Choice) -> list[_Run]:
    runs: list[_Run] = []
    for one in sorted(source, key=lambda one: one.stored.position):
        gap = _gap(runs[-1].passages[-1], one, choice) if runs else None
        if gap is None:
            runs.append(_Run([one], [one.stored]))
        else:
            runs[-1].found.append(one)
            runs[-1].passages += [*gap, one.stored]
    return runs


def _gap(last: Stored, one: Read, choice: _Choice) -> list[Stored] | None:
    """What has to come between `last` and `one` to make them a run; None if they are none."""
    missing = one.stored.position - last.position - 1
    if missing == 0:
        return []
    if missing > 1:
        return None
    between = one.collection.neighbours(last.path, last.position + 1, last.position + 1)
    cost = sum(map(_cost, between))
    if len(between) == 1 and cost <= SMALL_GAP_TOKENS and choice.spend(cost):
        return between
    return None


def _why(run: _Run, best: Read) -> Why:
    first, last = run.passages[0].position, run.passages[-1].position
    notes = list(best.why.notes)
    if first < best.stored.position:
        notes.append(f"joined with {_count(best.stored.position - first)} before")
    if last > best.stored.position:
        notes.append(f"joined with {_count(last - best.stored.position)} after")
    words = dict.fromkeys(word for one in run.found for word in one.why.words)
    return replace(best.why, words=tuple(words), notes=tuple(notes))


def _count(passages: int) -> str:
    return "the passage" if passages == 1 else f"{passages} passages"


def _hit(passages: Sequence[Stored], collection: Collection, why: Why) -> Hit:
    first, last = passages[0].passage, passages[-1].passage
    text, place = first.text, first.place
    if len(passages) > 1:
        text, place = _stretch(passages, collection)
    levels = zip(*(one.passage.headings for one in passages), strict=False)
    headings = tuple(level[0] for level in takewhile(lambda level: len(set(level)) == 1, levels))
    tokens = about_tokens(text)
    return Hit(collection.name, passages[0].path, place, headings, text, first.start, last.end, tokens, why)


def _stretch(passages: Sequence[Stored], collection: Collection) -> tuple[str, Place]:
    """The text from the first passage to the last, with what stands between them, and its place."""
    start, end = passages[0].passage.start, passages[-1].passage.end
    document = collection.extracted(passages[0].path)
    if document is not None and end <= len(document.text):
        return document.text[start:end], Places(document).of(start, end)
    first, last = passages[0].passage.place, passages[-1].passage.place  # it was changed this very moment
    label = first.label if first.label == last.label else f"{first.label} to {last.label}"
    return "\n".join(one.passage.text for one in passages), Place(first.line_start, last.line_end, label)


def _cost(stored: Stored) -> int:
    return about_tokens(stored.passage.text) + _FRAME_TOKENS


def _where(stored: Stored) -> str:
    place = stored.passage.place
    return f"{stored.path}:{place.line_start}" if place.line_start else f"{stored.path}, {place.label}".rstrip(", ")
