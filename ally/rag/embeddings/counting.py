"""How many tokens an embedding model reads for a text, wherever the text is cut."""

import functools
import re
from collections.abc import Callable
from pathlib import Path

from ally.rag.embeddings.wordpiece import WordPiece

TokenCounter = Callable[[str], int]
"""Tokens of a text; as many as the model reads, or an estimate that is seldom less."""

ESTIMATE = "estimate"
"""The counter for models whose tokenizer is not on this machine."""

_WORDPIECE = "wordpiece:"
_ROOM = 0.8
"""The part of a model's window that is used where tokens are estimated."""
_PIECES = re.compile(
    r"(?P<word>[A-Z]?[a-z]+|[A-Z]+)|(?P<sign>[!-~]|[ \t]*\n\s*|[ \t]{2,})"
    r"|(?P<indic>[\u0900-\u0dff\u0e80-\u10ff\u1200-\u1fff]+)|(?P<other>[^\x00-\x7f]+)"
)


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


def room(max_tokens: int, counter: str) -> int:
    """How many tokens, counted by `counter`, a text may have for a model that reads `max_tokens`."""
    return int(max_tokens * _ROOM) if counter == ESTIMATE else max_tokens


def estimate(text: str) -> int:
    """About as many tokens as the hungriest of the tokenizers in use makes of `text`.

    Measured on 2026-11-23 in pieces of 700 characters, against the most of cl100k, Qwen, Cohere, Gemma, XLM-RoBERTa,
    Llama and BERT: English 1.12 times as many, Python 1.06, 26 other languages and kinds 0.7 to 1.5. Half the bytes, a
    bound for common text, is 1.7 for English and 0.55 for digits.
    """
    count = 0.0
    for piece in _PIECES.finditer(text):
        length = piece.end() - piece.start()
        match piece.lastgroup:
            case "word":
                count += 1 if length <= 3 else 1 + (length - 3) / 5 if length <= 8 else 2 + (length - 8) / 3
            case "sign":
                count += 1
            case "indic":
                count += 2 * length
            case _:
                count += len(piece[0].encode(errors="replace")) / 2
    return int(count) + 2
