"""The store that comes with Ally: for each collection a folder with a SQLite file and a file of vectors."""

from ally.rag.stores.embedded.opened import Sizes
from ally.rag.stores.embedded.shelf import EmbeddedShelf

__all__ = ["EmbeddedShelf", "Sizes"]
