"""Embedding models that run on this machine, without any service."""

import os
from pathlib import Path

from ally.config.paths import Paths, moved_folder
from ally.rag.embeddings.base import Embedder
from ally.rag.embeddings.minilm.embedder import MiniLM
from ally.rag.embeddings.minilm.files import MODEL as MINILM

FOLDER_VARIABLE = "ALLY_EMBEDDING_MODELS_DIR"

_MINILM_NAMES = (MINILM, "all-minilm", "all-minilm:l6-v2", "sentence-transformers/all-minilm-l6-v2")


def open_local(paths: Paths, model: str | None) -> Embedder:
    """The embedder of a model on this machine: None is all-MiniLM-L6-v2, others are fetched by `ally models pull`.

    Nothing heavy happens before the first text.

    Raises:
        MissingPackage: a package that it needs is not installed.
        UnknownModel: it is not on this machine.
        ModelFileError: it is no embedding model.
    """
    name = (model or MINILM).strip()
    if name.lower() in _MINILM_NAMES:
        return MiniLM(models_folder(paths))
    from ally.rag.embeddings.engine import open_in_engine  # late: needed by few

    return open_in_engine(paths, name)


def models_folder(paths: Paths) -> Path:
    """Where files of embedding models are kept: `embeddings` of the data folder, or `ALLY_EMBEDDING_MODELS_DIR`."""
    return moved_folder(os.environ, FOLDER_VARIABLE, paths.data / "embeddings", _ignore)


def _ignore(warning: str) -> None:
    """A wrong folder is told by `ally doctor`."""
