"""Embedders of your own; the code is in `ally/rag/embeddings/`."""

from ally.rag.embeddings.base_embedder import BaseEmbedder

__all__ = ["BaseEmbedder"]
