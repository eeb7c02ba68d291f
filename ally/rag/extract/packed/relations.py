"""How the parts of an Office document refer to each other.

Source: ECMA-376, part 2, "Open Packaging Conventions".
"""

import posixpath
from dataclasses import dataclass

from ally.rag.extract.packed.archive import Archive, resolve
from ally.rag.extract.packed.markup import attribute, walk

_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: `kind` is the last word of the type, `image`, `slide`; `member` is in the archive."""

    kind: str
    member: str


def relations_of(archive: Archive, member: str) -> dict[str, Relation]:
    """The relations of a part by their identifiers, but those to what is outside of the archive."""
    folder, name = posixpath.split(member)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    found: dict[str, Relation] = {}
    if path not in archive:
        return found
    with archive.stream(path) as stream:
        for event, tag, attributes in walk(stream, archive.name):
            if event == "start" and tag == "Relationship" and len(found) < _MOST:
                target = resolve(member, attribute(attributes, "Target"))
                if target and attribute(attributes, "TargetMode") != "External":
                    kind = attribute(attributes, "Type").rpartition("/")[2]
                    found[attribute(attributes, "Id")] = Relation(kind, target)
    return found


def find_main(archive: Archive, usual: str) -> str:
    """The part with the document itself."""
    relations = relations_of(archive, "")
    named = (one.member for one in relations.values() if one.kind == "officeDocument" and one.member in archive)
    return next(named, usual)


def title_of(archive: Archive, member: str) -> str:
    """The title in a document's properties; "" if it has none."""
    if member not in archive:
        return ""
    title, is_title = "", False
    with archive.stream(member) as stream:
        for event, tag, _ in walk(stream, archive.name):
            if event == "text":
                title += tag if is_title else ""
            elif tag == "title":
                is_title = event == "start"
                if event == "end" and title.strip():
                    break
    return " ".join(title[:1_000].split())[:300]
