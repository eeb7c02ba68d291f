"""A question becomes what is looked for."""

import unicodedata
from dataclasses import dataclass

from ally.rag.search.query import Query
from ally.rag.search.rewriting import complete
from ally.rag.search.wording import all_words, phrases, telling_words


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for.

    `text` is the question, completed by the conversation where it leans on it: what the vector is made of. `words` are
    the telling ones, `earlier` those that came from the conversation and weigh less, `phrases` what stood in quotes.
    """

    text: str
    words: tuple[str, ...]
    earlier: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()


def understand(query: Query) -> Asked:
    """What to look for. It takes time in proportion to the text; nothing is asked of anybody."""
    text = unicodedata.normalize("NFC", query.text).strip()
    completed, earlier = complete(text, query.history)
    return Asked(completed, telling_words(text) or all_words(text), earlier, phrases(text))
