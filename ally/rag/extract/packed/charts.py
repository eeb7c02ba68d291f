"""The words of charts: titles, names of series and of categories; the numbers stay out.

Source: ECMA-376, part 1, "DrawingML - Charts".
"""

from ally.rag.extract.packed.archive import Archive
from ally.rag.extract.packed.markup import walk

_MOST_WORDS = 500
_NAMING = frozenset(["tx", "cat", "title"])


def words_of_chart(archive: Archive, member: str) -> list[str]:
    """A line for each title, then one for all that the chart names, each once."""
    titles: list[str] = []
    names: dict[str, None] = {}
    inside: list[str] = []
    words: list[str] = []
    with archive.stream(member) as stream:
        for event, tag, _ in walk(stream, archive.name):
            if event == "start":
                inside.append(tag)
                if tag in ("p", "v"):
                    words = []
            elif event == "text":
                words.append(tag)
            else:
                inside.pop()
                text = " ".join("".join(words).split())
                if tag == "p" and text:
                    titles.append(text)
                elif tag == "v" and text and "strCache" in inside and not _NAMING.isdisjoint(inside):
                    names[text] = None
                words = [] if tag in ("p", "v") else words
    lines = [*dict.fromkeys(titles), ", ".join(list(names)[:_MOST_WORDS])]
    return [line for line in lines if line]
