"""Which tool a request wants: that of the example that is most like it."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from ally.providers.tool_calling.tiny.said import Part, Said
from ally.providers.tool_calling.tiny.spans import is_file, is_path, kinds, normal, words
from ally.providers.tool_calling.tiny.vocabulary import Vocabulary

ANSWER = "answer"
"""The label of requests that want no tool."""
_NEAREST = (0.6, 0.25, 0.15)
"""What the nearest examples of a label count, the most alike first."""
_RARE = 1
"""A word of no more examples than this is any word."""
_PAIR = 0.6
"""What two words side by side count against one."""
_SMOOTH, _LEAST_PURITY = 0.05, 0.1
_BY_NAME, _BY_WORDS, _RARENESS = 0.3, 0.6, 1_000
_MAX_PARTS = 40
_PLACEHOLDER = "foo"
"""Stands in the examples for any word."""
_WORD = re.compile(r"[^\W_]+")
_CONCEPTS = (
    *("read", "show", "enumerate", "seek", "where", "holds", "used", "file", "folder", "removing", "run", "change"),
    *("write", "explain", "which"),
)
_SLOTS = ("folder", "file", "programs", "write", "change", "run", "named", "removing")

Features = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Example:
    """A request and what it wants."""

    label: str
    features: Features


class Router:
    """Compares requests with examples; equal requests get equal scores."""

    def __init__(self, phrases: Mapping[str, Sequence[str]]) -> None:
        texts = [(label, text) for label, group in phrases.items() for text in group]
        spoken = [(label, Said(text, str)) for label, text in texts]
        self.labels = frozenset(phrases)
        counts = Counter(word for _, said in spoken for word in said.words())
        counts.pop(_PLACEHOLDER, None)
        self._counts = counts
        roles = (word for name in _SLOTS for word in words(name))
        self.vocabulary = Vocabulary([*counts, *roles, *words("stop"), *kinds()["patterns"]])
        bags = [(label, Counter(self._terms(said))) for label, said in spoken]
        self._weights = _weights(bags)
        self._examples = [Example(label, self._weigh(bag)) for label, bag in bags]
        self._index: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for at, example in enumerate(self._examples):
            for term, weight in example.features.items():
                self._index[term].append((at, weight))

    def scores(self, said: Said, skip: int = -1) -> dict[str, float]:
        """How like the request is to the examples of each label, from 0 to 1; `skip` leaves one example out."""
        features = self._weigh(Counter(self._terms(said)))
        likeness: dict[int, float] = defaultdict(float)
        for term, weight in features.items():
            for at, other in self._index.get(term, ()):
                likeness[at] += weight * other
        likeness.pop(skip, None)
        best: dict[str, list[float]] = defaultdict(list)
        for at, value in sorted(likeness.items(), key=lambda item: (-item[1], item[0])):
            group = best[self._examples[at].label]
            if len(group) < len(_NEAREST):
                group.append(value)
        return {label: _mean(group) for label, group in best.items()}

    def describe(self, name: str, description: str, spoken: frozenset[str]) -> float:
        """How much of the words of a request the name and the description of a tool without examples share."""
        own = frozenset(_WORD.findall(normal(name.replace("_", " "))))
        told = own | frozenset(_WORD.findall(normal(description)))
        asked = {word: math.log(1 + _RARENESS / (1 + self._counts[word])) for word in spoken - words("stop")}
        shared = sum(weight for word, weight in asked.items() if word in told)
        named = _BY_NAME if own and own - words("stop") <= spoken else 0.0
        return _BY_WORDS * shared / (sum(asked.values()) or 1.0) + named

    def _terms(self, said: Said) -> Iterable[str]:
        units = [self._unit(said.parts, at) for at in range(min(len(said.parts), _MAX_PARTS))]
        meant = [_concept(unit) for unit in units]
        for line in dict.fromkeys((tuple(units), tuple(meant))):
            yield from line
            framed = ("^", *line, "$")
            yield from (f"{left} {right}" for left, right in pairwise(framed))
            yield from (f"{left} _ {right}" for left, right in zip(framed, framed[2:], strict=False))

    def _unit(self, parts: Sequence[Part], at: int) -> str:
        part = parts[at]
        is_place = part.kind == "path" or (part.kind == "quoted" and is_path(part.text))
        if part.is_folder or (is_place and not is_file(part.text)):
            return "<folder>"
        if is_place:
            return "<path>"
        if part.kind != "word":
            return {"code": "<quoted>", "extension": "<glob>"}.get(part.kind, f"<{part.kind}>")
        follows = parts[at + 1].word if at + 1 < len(parts) else ""
        if part.word in kinds()["patterns"] and follows in words("file"):
            return "<kind>"
        if self._counts[part.word] <= _RARE and part.word not in words("stop"):
            return "<program>" if part.word in words("programs") else "<other>"
        return part.word

    def _weigh(self, bag: Counter[str]) -> Features:
        weights = {term: self._weights[term] * (_PAIR if " " in term else 1.0) for term in bag if term in self._weights}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {term: weight / length for term, weight in weights.items()}


@cache
def _concept(unit: str) -> str:
    """What words of the same meaning have in common, in every language."""
    return next((f"~{name}" for name in _CONCEPTS if unit in words(name)), unit)


def _weights(bags: Sequence[tuple[str, Counter[str]]]) -> dict[str, float]:
    """What a term counts: the more, the rarer it is and the fewer labels it goes with."""
    labels = len({label for label, _ in bags})
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for label, bag in bags:
        for term in bag:
            counts[term][label] += 1
    weights: dict[str, float] = {}
    for term, by_label in counts.items():
        total = by_label.total() + _SMOOTH * labels
        shares = [(by_label[label] + _SMOOTH) / total for label in by_label]
        missing = labels - len(by_label)
        entropy = -sum(share * math.log(share) for share in shares)
        entropy -= missing * (_SMOOTH / total) * math.log(_SMOOTH / total)
        purity = 1 - entropy / math.log(labels) if labels > 1 else 1.0
        weights[term] = math.log(1 + len(bags) / by_label.total()) * (_LEAST_PURITY + purity)
    return weights


def _mean(group: Sequence[float]) -> float:
    return sum(value * weight for value, weight in zip(group, _NEAREST, strict=False))


@cache
def router() -> Router:
    """The router of the examples that come with Ally."""
    folder = files("ally.providers.tool_calling.tiny").joinpath("examples")
    phrases = {
        entry.name.removesuffix(".txt"): entry.read_text("utf-8").splitlines()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".txt")
    }
    return Router(phrases)
