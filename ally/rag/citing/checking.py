"""Whether the files say what an answer says they do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ally.messages import Citation, Source
from ally.rag.citing.fingerprint import find_passage
from ally.rag.citing.folding import Folded, fold
from ally.rag.citing.markers import Claim, Item
from ally.rag.citing.quotes import find, pieces_of
from ally.rag.citing.sources import Sources
from ally.rag.document import Extracted, Place, Places
from ally.terminal.text import one_line


@dataclass(slots=True)
class Reading:
    """The text of a file as it is now, ready to be searched."""

    document: Extracted
    folded: Folded = field(init=False)
    places: Places = field(init=False)

    def __post_init__(self) -> None:
        self.folded = fold(self.document.text)
        self.places = Places(self.document)


class Texts(Protocol):
    """Where the files are read; `ally.rag.citing.texts.CurrentTexts` is one."""

    def now(self, source: Source) -> Reading | None:
        """The file of `source` as it is now; None if it is gone or gives no text. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim as the user sees it, and what was found out about each source that it names."""

    shown: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Checker:
    """Looks claims up. It reads files, so it is not called on an event loop."""

    sources: Sources
    texts: Texts

    def check(self, claim: Claim) -> Checked:
        """What becomes of `claim`: markers that hold stay as `[n]`, the others are struck out.

        The words before markers hold if one of the sources has them; then the others need only be there.
        """
        items = [item for group in claim.groups for item in group]
        lead = pieces_of(claim.quote)
        led = {item.number: self._find(item.number, claim.quote) for item in items} if lead else {}
        if led and not any(citation.is_found for citation in led.values()):
            return Checked(struck(claim.raw), tuple(led.values()))
        citations: list[Citation] = []
        shown = [claim.lead]
        for group in claim.groups:
            kept: list[int] = []
            for item in group:
                own = self._of_item(item, led.get(item.number))
                missing = [citation for citation in own if not citation.is_found]
                citations += missing or own
                if missing:
                    shown += [_of_kept(kept), struck(_written(item))]
                    kept = []
                else:
                    kept.append(item.number)
            shown.append(_of_kept(kept))
        return Checked(_spaced(shown), tuple(citations))

    def _of_item(self, item: Item, led: Citation | None) -> list[Citation]:
        """One citation for each quote of the item; without any that of the passage."""
        found = [self._find(item.number, quote) for quote in item.quotes if pieces_of(quote)]
        if led is not None and led.is_found:
            found = [led, *found]
        return found or [self._find(item.number, "")]

    def _find(self, number: int, quote: str) -> Citation:
        """The quote in its file, best within its passage; without a quote the passage itself."""
        source = self.sources.get(number)
        shown = one_line(quote)
        if source is None:
            return Citation(number, "", quote=shown, is_found=False)
        reading = self.texts.now(source)
        if reading is None:
            return _missing(source, shown)
        if not quote:
            span = find_passage(reading.folded, source.fingerprint)
            return _missing(source, "") if span is None else _citation(source, reading.places.of(*span), "")
        places = [reading.places.of(*span) for span in find(reading.folded, pieces_of(quote))]
        if not places:
            return _missing(source, shown)
        return _citation(source, next((place for place in places if _is_in(place, source)), places[0]), shown)


def given_up(claim: Claim) -> Checked:
    """A claim that nobody could look up in time."""
    numbers = dict.fromkeys(item.number for group in claim.groups for item in group)
    quote = one_line(claim.quote)
    return Checked(struck(claim.raw), tuple(Citation(number, "", quote=quote, is_found=False) for number in numbers))


def struck(text: str) -> str:
    """`text` struck out, in one line."""
    return f"~~{one_line(text).replace('~~', '')}~~"


def _citation(source: Source, place: Place, quote: str) -> Citation:
    return Citation(source.number, source.path, place.line_start, place.line_end, place.label, quote)


def _missing(source: Source, quote: str) -> Citation:
    return Citation(source.number, source.path, source.line_start, source.line_end, source.label, quote, is_found=False)


def _is_in(place: Place, source: Source) -> bool:
    if source.line_start:
        return place.line_start <= source.line_end and place.line_end >= source.line_start
    return place.label == source.label


def _written(item: Item) -> str:
    """A marker of this one source."""
    quotes = "".join(f' "{quote}"' for quote in item.quotes)
    return f"[{item.number}{quotes}]"


def _of_kept(numbers: Sequence[int]) -> str:
    return f"[{', '.join(map(str, numbers))}]" if numbers else ""


def _spaced(parts: Sequence[str]) -> str:
    """The parts one after the other; between two markers, one of them struck, is a space."""
    text = ""
    for part in parts:
        gap = " " if part and text.endswith(("]", "~~")) and (part.startswith("~~") or text.endswith("~~")) else ""
        text += gap + part
    return text
