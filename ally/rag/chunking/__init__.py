"""From a document to passages."""

from ally.rag.chunking.passages import chunk

__all__ = ["chunk"]
