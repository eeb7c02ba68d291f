"""How many tokens an embedding model reads for a text, wherever the text is cut."""

import functools
from collections.abc import Callable
from pathlib import Path

from ally.rag.embeddings.wordpiece import WordPiece

TokenCounter = Callable[[str], int]
"""Tokens of a text, never less than the model reads."""

ESTIMATE = "estimate"
"""The counter for models whose tokenizer is not on this machine."""

_WORDPIECE = "wordpiece:"


def wordpiece(vocabulary: Path) -> str:
    """The name of the counter for models of BERT's kind: `vocabulary` is a file with one piece a line."""
    return f"{_WORDPIECE}{vocabulary}"


@functools.lru_cache(maxsize=8)
def load_counter(spec: str) -> TokenCounter:
    """The counter that `Embedder.counter` names. A file is read at the first call for it in a process only.

    Raises:
        ValueError: there is no such counter, or its file cannot be used.
    """
    if spec == ESTIMATE:
        return estimate
    if spec.startswith(_WORDPIECE):
        try:
            return read_wordpiece(Path(spec.removeprefix(_WORDPIECE))).count
        except OSError as exc:
            raise ValueError(f"{exc.filename} cannot be read: {exc.strerror or exc}") from exc
    raise ValueError(f"no counter of tokens is called {spec!r}")


def read_wordpiece(vocabulary: Path) -> WordPiece:
    """The tokenizer of a file with one piece a line.

    Raises:
        OSError, ValueError: it cannot be read, or is not such a file.
    """
    return WordPiece(vocabulary.read_text("utf-8").rstrip("\n").split("\n"))


def estimate(text: str) -> int:
    """A bound from above for the tokenizers in use: they need at least two bytes for a token of common text."""
    return len(text.encode(errors="replace")) // 2 + 2
