"""XML of unknown makers, read as a stream: no entities, nothing from outside, little memory."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from ally.errors import ExtractionError
from ally.rag.extract.packed.archive import Stream

Node = Any  # Any: lxml has no types
Event = Literal["start", "end"]


def walk(stream: Stream, name: str, kept: frozenset[str] = frozenset()) -> Iterator[tuple[Event, str, Node]]:
    """Each element of the document in `stream`, a part of the file `name`: when it starts, with its attributes, and
    when it ends, with its text. Tags come without namespace.

    What is in an element is forgotten when that ends, but for those `kept`, which are whole when they end.

    Raises:
        ExtractionError: it is no XML, or nested too deeply.
    """
    etree: Any = import_module("lxml.etree")  # Any: as above
    events = etree.iterparse(
        stream,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    holding = 0
    try:
        for event, node in events:
            tag = local(node.tag) if isinstance(node.tag, str) else ""
            holding += event == "start" and tag in kept
            yield event, tag, node
            if event == "end":
                holding -= tag in kept
                if not holding:
                    _forget(node)
    except etree.LxmlError as exc:
        said = str(exc)
        if "depth" in said:
            raise ExtractionError(Path(name), "is nested too deeply") from exc
        raise ExtractionError(Path(name), f"is damaged: {said[:200]}") from exc


def local(tag: str) -> str:
    """`p` of `{http://…}p`: the namespaces differ between versions of a format, the names do not."""
    return tag.rpartition("}")[2]


def attribute(node: Node, name: str) -> str:
    """The value of an attribute, by its name without namespace; "" if there is none."""
    found = node.get(name)
    if found is None:
        found = next((value for key, value in node.attrib.items() if local(key) == name), "")
    return found


def _forget(node: Node) -> None:
    """Empty an element that ended, and remove those before it."""
    node.clear(keep_tail=True)
    parent = node.getparent()
    while parent is not None and node.getprevious() is not None:
        del parent[0]
