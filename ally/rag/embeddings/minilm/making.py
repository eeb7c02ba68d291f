"""The process that makes the network out of the weights: it takes memory and time that Ally has other uses for."""

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from ally.errors import AllyError
from ally.rag.embeddings.minilm.files import (
    MADE,
    NETWORK,
    VOCABULARY,
    VOCABULARY_SHA256,
    WEIGHTS_SHA256,
    Made,
)
from ally.rag.embeddings.minilm.network import build
from ally.rag.embeddings.minilm.safetensors import read_tensors
from ally.storage.atomic import write_atomic


def main() -> None:
    """`sys.argv`: the folder with the weights, and the one to write into. The reason of a failure goes to stderr."""
    try:
        make(Path(sys.argv[1]), Path(sys.argv[2]))
    except (AllyError, OSError, ValueError, KeyError) as exc:
        sys.exit(str(exc))


def make(weights: Path, folder: Path) -> None:
    """Write the files of the model; a kill at any moment leaves none that looks whole.

    Raises:
        StorageError: `folder` cannot be written.
        OSError, ValueError: the weights cannot be read, or are not those of the makers.
    """
    tensors, words = weights / "model.safetensors", weights / "vocab.txt"
    _check(tensors, WEIGHTS_SHA256)
    _check(words, VOCABULARY_SHA256)
    network = build(read_tensors(tensors))
    write_atomic(folder / VOCABULARY, words.read_bytes())
    write_atomic(folder / NETWORK, network)
    made = Made(hashlib.sha256(network).hexdigest(), len(network))
    write_atomic(folder / MADE, json.dumps(asdict(made)).encode())


def _check(file: Path, sha256: str) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        raise ValueError(f"{file} is not the file of the model's makers (SHA-256 {found})")
