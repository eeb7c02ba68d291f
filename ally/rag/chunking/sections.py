"""A document's sections as a tree, cut where no passage may reach across."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ally.rag.document import Extracted, Part

_DEEPEST = 8
"""Levels of headings that are told apart."""
_SENTENCE_ENDS = re.compile(r"[.!?:;\u2026\u3002\uff01\uff1f][\"'\u201d\u2019\u00bb)\]]{0,3}\Z")


@dataclass(slots=True, eq=False)
class Section:
    """Characters `start` up to `end`, its children's too. `parent` is what stands above it on the way of headings."""

    start: int
    end: int
    heading: str = ""
    parent: "Section | None" = None
    children: "list[Section]" = field(default_factory=list["Section"])

    def upwards(self) -> "Iterator[Section]":
        """Itself and what is above it."""
        section: Section | None = self
        while section is not None:
            yield section
            section = section.parent


@dataclass(frozen=True, slots=True)
class Region:
    """What has to stay among itself: a sheet, a slide, a page. `header` is read with every piece of it."""

    root: Section
    header: str = ""


def split_by_headings(document: Extracted) -> list[Region]:
    """The regions of a document in order; together they are its whole text."""
    headings = iter(sorted(document.headings, key=lambda heading: heading.start))
    heading = next(headings, None)
    above: list[tuple[int, Section]] = []
    regions: list[Region] = []
    for start, end, header in _stretches(document):
        root = Section(start, end, parent=above[-1][1] if above else None)
        inside = {id(root)}
        while heading is not None and heading.start < end:
            level = min(heading.level, _DEEPEST)
            while above and above[-1][0] >= level:
                above.pop()
            section = Section(heading.start, end, heading.text, above[-1][1] if above else None)
            holder = section.parent if section.parent is not None and id(section.parent) in inside else root
            holder.children.append(section)
            inside.add(id(section))
            above.append((level, section))
            heading = next(headings, None)
        _close(root)
        regions.append(Region(root, header))
    return regions


def _close(section: Section) -> None:
    """Let every section end where the next of the same holder begins."""
    following = [child.start for child in section.children[1:]] + [section.end]
    for child, end in zip(section.children, following, strict=False):
        child.end = end
        _close(child)


def _stretches(document: Extracted) -> Iterator[tuple[int, int, str]]:
    """Start, end and header of what lies between two walls."""
    start, header = 0, ""
    for part in document.parts:
        if _goes_on(document.text, part):
            continue
        # The row with the names of the columns belongs to the rows under it.
        before = document.text[start : part.start].strip() if part.header else ""
        if part.start > start and (not before or before != part.header.strip()):
            yield start, part.start, header
            start = part.start
        header = part.header
    if len(document.text) > start:
        yield start, len(document.text), header


def _goes_on(text: str, part: Part) -> bool:
    """Whether a sentence crosses the beginning of a page; nothing crosses the other kinds of parts."""
    if not part.label.startswith("page "):
        return False
    before = text[max(0, part.start - 200) : part.start].rstrip()
    after = text[part.start : part.start + 200].lstrip()
    return bool(before and after and after[0].islower() and not _SENTENCE_ENDS.search(before))
