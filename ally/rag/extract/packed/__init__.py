"""What the formats have in common that are archives of XML: office documents and books."""

from ally.rag.extract.packed.archive import Archive, resolve
from ally.rag.extract.packed.composing import Composer, clean
from ally.rag.extract.packed.markup import Attributes, attribute, walk
from ally.rag.extract.packed.relations import find_main, relations_of, title_of

__all__ = [
    "Archive",
    "Attributes",
    "Composer",
    "attribute",
    "clean",
    "find_main",
    "relations_of",
    "resolve",
    "title_of",
    "walk",
]
