"""What is asked of the collections."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """A question and how much may be found for it.

    `text` is what the user wrote, without anything Ally adds to a message. `limit` counts passages, `max_tokens` is
    about what they may cost in a prompt. No file gives more than `per_source` of them, unless there are too few files.
    `history` has the user's questions before this one, oldest first; it is used where `text` cannot stand alone.
    """

    text: str
    limit: int = 8
    max_tokens: int = 4000
    per_source: int = 3
    history: Sequence[str] = ()
