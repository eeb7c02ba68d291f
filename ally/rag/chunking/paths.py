"""The way of headings to a passage, kept short enough to leave room for the passage."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ally.rag.chunking.sections import Section
from ally.rag.embeddings.counting import TokenCounter

_HEADING_CHARACTERS = 100
_HEADER_CHARACTERS = 240


@dataclass(frozen=True, slots=True)
class Path:
    """Headings from the top, and the tokens that a text has more by having them."""

    headings: tuple[str, ...]
    tokens: int


@dataclass(slots=True)
class Paths:
    """The paths of one document's sections. A path takes up to a third of `max_tokens`, with a table's header half."""

    title: str
    counter: TokenCounter
    max_tokens: int
    _known: dict[tuple[Section, str], Path] = field(default_factory=dict[tuple[Section, str], Path])

    def of(self, section: Section, header: str) -> Path:
        """The path of a section in a region with that header."""
        key = (section, header)
        if key not in self._known:
            self._known[key] = self._fit(section, header)
        return self._known[key]

    def _fit(self, section: Section, header: str) -> Path:
        names = [_short(above.heading, _HEADING_CHARACTERS) for above in section.upwards() if above.heading.strip()]
        path = [*self._title(names), *reversed(names)]
        if header.strip():
            path.append(_short(header, _HEADER_CHARACTERS))
        room = self.max_tokens // (2 if header else 3)
        while path and self._count(path) > room:
            if len(path) > 1:
                del path[0]
            else:
                path = [path[0][: len(path[0]) // 2].rstrip()] if len(path[0]) > 1 else []
        return Path(tuple(path), self._count(path))

    def _title(self, names: list[str]) -> list[str]:
        """The title, if it is not in the first heading nor the first heading in it."""
        title = _short(self.title, _HEADING_CHARACTERS)
        if not title or (names and (_holds(names[-1], title) or _holds(title, names[-1]))):
            return []
        return [title]

    def _count(self, path: Iterable[str]) -> int:
        path = tuple(path)
        return self.counter(" > ".join(path) + "\n" if path else "")


def _short(text: str, characters: int) -> str:
    text = " ".join(text[: 2 * characters].split())
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def _holds(text: str, part: str) -> bool:
    return part.casefold() in text.casefold()
