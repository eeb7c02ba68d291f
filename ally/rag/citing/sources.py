"""The numbers of passages: the same for a whole session, and never given twice."""

from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from ally.messages import Message, Source, ToolMessage, UserMessage

if TYPE_CHECKING:
    from ally.rag.search.hit import Hit

_Key = tuple[str, int, int, str]


class Sources:
    """What the model was given, by number. Threads may share it; as a collection it holds the numbers."""

    def __init__(self, given: Iterable[Source] = ()) -> None:
        self._lock = Lock()
        self._by_number: dict[int, Source] = {source.number: source for source in given}

    @classmethod
    def of(cls, messages: Iterable[Message]) -> "Sources":
        """Those of a history."""
        return cls(source for message in messages for source in sources_of(message))

    def __len__(self) -> int:
        return len(self._by_number)

    def __iter__(self) -> Iterator[int]:
        return iter(tuple(self._by_number))

    def __contains__(self, number: object) -> bool:
        return number in self._by_number

    def get(self, number: int) -> Source | None:
        """The source of that number."""
        return self._by_number.get(number)

    def all(self) -> tuple[Source, ...]:
        """Every one, by number."""
        with self._lock:
            return tuple(source for _, source in sorted(self._by_number.items()))

    def take(self, hits: "Sequence[Hit]") -> tuple[Source, ...]:
        """A source for each of `hits`, which the model is about to be given.

        A passage that it was given before keeps its number, and so does one of the same lines.
        """
        with self._lock:
            taken: list[Source] = []
            for hit in hits:
                used = {source.number for source in taken}
                source = self._number(hit, used)
                self._by_number[source.number] = source
                taken.append(source)
            return tuple(taken)

    def _number(self, hit: "Hit", used: set[int]) -> Source:
        from ally.rag.citing.fingerprint import fingerprint  # late: every conversation has sources, few have any

        mark = fingerprint(hit.text)
        place = hit.place
        key = hit.path, place.line_start, place.line_end, place.label
        same = [one for number, one in self._by_number.items() if number not in used and _key(one) == key]
        exact = next((one for one in same if one.fingerprint == mark), None)
        # Without lines many passages have the same place: a page.
        known = exact or next((one for one in same if place.line_start), None)
        number = known.number if known else max(self._by_number, default=0) + 1
        return Source(number, *key, hit.collection, mark)


def sources_of(message: Message) -> tuple[Source, ...]:
    """The passages in one message that may be cited."""
    match message:
        case UserMessage(sources=sources):
            return sources
        case ToolMessage(results):
            return tuple(source for result in results for source in result.sources)
        case _:
            return ()


def _key(source: Source) -> _Key:
    return source.path, source.line_start, source.line_end, source.label
