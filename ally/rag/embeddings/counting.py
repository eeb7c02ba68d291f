"""How many tokens an embedding model reads for a text, wherever the text is cut."""

from collections.abc import Callable

TokenCounter = Callable[[str], int]
"""Tokens of a text, never less than the model reads."""

ESTIMATE = "estimate"
"""The counter for models whose tokenizer is not on this machine."""


def load_counter(spec: str) -> TokenCounter:
    """The counter that `Embedder.counter` names.

    Raises:
        ValueError: there is no such counter.
    """
    if spec == ESTIMATE:
        return estimate
    raise ValueError(f"no counter of tokens is called {spec!r}")


def estimate(text: str) -> int:
    """A bound from above for the tokenizers in use: they need at least two bytes for a token of common text."""
    return len(text.encode(errors="replace")) // 2 + 2
