"""`BaseEmbedder`, the class of every embedder plug-in; it is described in `ally/rag/embeddings/base_embedder.py`."""

from ally.rag.embeddings.base_embedder import BaseEmbedder

__all__ = ["BaseEmbedder"]
