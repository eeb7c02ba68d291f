"""A request as its words with what each is."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ally.providers.tool_calling.tiny.spans import Kind, Span, is_file, is_path, normal, scan, words

MAX_CHARS = 4_000
"""What is longer is read to here; a request says in its beginning what it wants."""

Place = Kind | str
_SPLIT = re.compile(r"[^\W_]+(?:[-_][^\W_]+)*", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Part:
    """One word or other part. `word` is normal and spelled right, empty unless `kind` is "word".

    `is_folder`: it is said to be a folder, though it may look like any word.
    """

    kind: Kind
    text: str
    start: int
    end: int
    word: str = ""
    is_folder: bool = False


class Said:
    """What the user said. All values are passages of `text`, or `earlier`: the paths of requests before it.

    `is_cut`: there is more, so that what reaches to the end is not whole.
    """

    def __init__(self, text: str, correct: Callable[[str], str], earlier: Sequence[str] = ()) -> None:
        self.text = text[:MAX_CHARS]
        self.earlier = earlier
        self.is_cut = len(text) > MAX_CHARS
        self.parts = _mark_folders([part for span in scan(self.text) for part in _parts(span, correct)])

    def values(self, *kinds: Kind) -> list[str]:
        """The texts of the parts of these kinds, each once, in order."""
        return unique(part.text for part in self.parts if part.kind in kinds)

    def words(self) -> frozenset[str]:
        """All plain words."""
        return frozenset(part.word for part in self.parts if part.word)

    def has(self, name: str) -> bool:
        """Whether a word of this role is there."""
        return not self.words().isdisjoint(words(name))

    def index(self, name: str, start: int = 0) -> int:
        """Where the first word of this role stands from `start` on, -1 if none does."""
        role = words(name)
        return next((at for at in range(start, len(self.parts)) if self.parts[at].word in role), -1)

    def passage(self, first: int, last: int) -> str:
        """The text from part `first` to before part `last`."""
        if first >= last or first < 0:
            return ""
        return self.text[self.parts[first].start : self.parts[last - 1].end].strip()

    def before(self, at: int, name: str) -> bool:
        """Whether the part before `at` is a word of this role."""
        return at > 0 and self.parts[at - 1].word in words(name)


def unique(values: "Iterator[str] | Sequence[str]") -> list[str]:
    """The values in order, each once, the empty ones left out."""
    return list(dict.fromkeys(value for value in values if value))


def _parts(span: Span, correct: Callable[[str], str]) -> Iterator[Part]:
    """The words of a token such as "montre-moi" or "what's" each for itself; a name such as foo_bar stays whole."""
    if span.kind != "word":
        yield Part(span.kind, span.text, span.start, span.end)
        return
    if "_" in span.text or (any(char.isupper() for char in span.text[1:]) and not span.text.isupper()):
        yield Part("word", span.text, span.start, span.end, normal(span.text))
        return
    whole = correct(normal(span.text))
    pieces = [whole] if "-" in whole and whole.isascii() else []
    found = list(_SPLIT.finditer(span.text.replace("-", " ")))
    if len(found) <= 1 or (pieces and whole in words("named")):
        yield Part("word", span.text, span.start, span.end, whole)
        return
    for match in found:
        word = correct(normal(match[0]))
        yield Part("word", match[0], span.start + match.start(), span.start + match.end(), word)


def _mark_folders(parts: list[Part]) -> tuple[Part, ...]:
    """Mark what stands beside a word for folder, or bare after a word such as in."""
    marked = list(parts)
    for at, part in enumerate(parts):
        if part.word in words("folder"):
            after = at + 1
            while after < len(parts) and parts[after].word in words("named"):
                after += 1
            if after < len(parts) and _may_be_folder(parts[after]):
                marked[after] = replace(parts[after], is_folder=True)
            elif at and _may_be_folder(parts[at - 1]):
                marked[at - 1] = replace(parts[at - 1], is_folder=True)
        elif part.word in words("inside") and at + 1 < len(parts) and _ends(parts, at + 2):
            if parts[at + 1].kind == "word" and _may_be_folder(parts[at + 1], words("whole")):
                marked[at + 1] = replace(parts[at + 1], is_folder=True)
        elif _is_like_folder(part):
            marked[at] = replace(part, is_folder=True)
    return tuple(marked)


def _may_be_folder(part: Part, never: Collection[str] = ()) -> bool:
    if part.kind in ("path", "quoted", "code"):
        return part.kind == "path" or (len(part.text) <= 200 and "\n" not in part.text)
    is_name = part.kind == "word" and part.word not in words("stop") | words("no_folder") and part.word not in never
    return is_name and part.word not in words("named") and part.word not in words("end_search")


def _is_like_folder(part: Part) -> bool:
    """Whether a path by itself is rather that of a folder: it has several parts, and the last one has no dot."""
    path = part.text
    if part.kind != "path" and not (part.kind == "quoted" and is_path(path)):
        return False
    return path.endswith("/") or ("/" in path and "." not in path.rpartition("/")[2] and not is_file(path))


def _ends(parts: Sequence[Part], at: int) -> bool:
    """Whether nothing that belongs to the name follows."""
    return at >= len(parts) or parts[at].kind not in ("word", "number") or parts[at].word in words("stop")


def looks_like_path(part: Part) -> bool:
    """Whether the part names a file or a folder, quoted or not."""
    return part.is_folder or part.kind == "path" or (part.kind in ("quoted", "code") and is_path(part.text))
