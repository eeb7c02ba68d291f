"""A document in, its passages out."""

from collections.abc import Iterator
from dataclasses import dataclass

from ally.rag.chunking.code import split_by_definitions
from ally.rag.chunking.cutting import Cutter
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.chunking.packing import Packer, is_record, trimmed
from ally.rag.chunking.paths import Path, Paths
from ally.rag.chunking.sections import Region, Section, split_by_headings
from ally.rag.chunking.tally import Tally
from ally.rag.document import Extracted, Passage, Places
from ally.rag.embeddings.counting import TokenCounter, load_counter


def chunk(document: Extracted, limits: ChunkLimits) -> list[Passage]:
    """Cut a document into passages, in order and without overlap.

    Each is a stretch of the document's text without the blank lines around it, and has at most `limits.max_tokens`
    tokens with its headings. Together they are the whole text, except blank space and headings that stand alone above
    others. It reads no files and takes time in proportion to the text.

    Raises:
        ValueError: there is no counter of the name in `limits`.
    """
    return chunk_by(document, limits, load_counter(limits.counter))


def chunk_by(document: Extracted, limits: ChunkLimits, counter: TokenCounter) -> list[Passage]:
    """As `chunk`, with a counter at hand."""
    regions = _regions(document)
    is_code = document.format.startswith("code:")
    is_lines = is_record(document.format, (region.header for region in regions))
    slack = max(0, limits.max_tokens - limits.target_tokens)
    cutter = Cutter(document.text, Tally(document.text, counter), is_lines, slack)
    paths = Paths(document.title, counter, limits.max_tokens)
    packer = Packer(cutter, paths, limits, has_titles=not is_code)
    writer = _Writer(document.text, Places(document), packer, counter)
    return [passage for region in regions for passage in writer.passages(region)]


def _regions(document: Extracted) -> list[Region]:
    if document.format.startswith("code:"):
        return split_by_definitions(document)
    return split_by_headings(document)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Makes passages of pieces, and sees to it that none is too long."""

    text: str
    places: Places
    packer: Packer
    counter: TokenCounter

    def passages(self, region: Region) -> Iterator[Passage]:
        """The passages of one region."""
        for piece in self.packer.pack(region):
            yield from self._fit(piece.start, piece.end, piece.section, region.header)

    def _fit(self, start: int, end: int, section: Section, header: str) -> Iterator[Passage]:
        """One passage, or several where the tally was too low."""
        start, end = trimmed(self.text, start, end)
        if start == end:
            return
        path = self.packer.paths.of(section, header)
        passage = self._passage(start, end, path)
        tokens, allowed = self.counter(passage.searched), self.packer.limits.max_tokens
        if tokens <= allowed or end - start == 1:
            yield passage
            return
        goal = self.packer.cutter.tally.tokens(start, end) * 0.9 * max(1, allowed - path.tokens) / tokens
        for first, last in self.packer.cutter.split(start, end, goal):
            yield from self._fit(first, last, section, header)

    def _passage(self, start: int, end: int, path: Path) -> Passage:
        return Passage(self.text[start:end], start, end, self.places.of(start, end), path.headings)
