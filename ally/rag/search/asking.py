"""A question becomes what is looked for."""

import unicodedata
from dataclasses import dataclass

from ally.rag.search.query import Query
from ally.rag.search.rewriting import complete
from ally.rag.search.wording import all_words, function_share, pairs, phrases, telling_words


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for.

    `text` is the question, completed by the conversation where it leans on it: what the vector is made of. `words` are
    the telling ones, `pairs` those side by side, `earlier` those that came from the conversation and weigh less,
    `phrases` what stood in quotes. `function_share` tells sentences from keywords.
    """

    text: str
    words: tuple[str, ...]
    earlier: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    function_share: float = 0.0


def understand(query: Query) -> Asked:
    """What to look for. It takes time in proportion to the text; nothing is asked of anybody."""
    text = _cleaned(query.text)
    completed, earlier = complete(text, [_cleaned(question) for question in query.history])
    words = telling_words(text)
    if not words:
        words, earlier = earlier or all_words(text), ()
    return Asked(completed, words, earlier, pairs(text), phrases(text), function_share(text))


def _cleaned(text: str) -> str:
    """`text` without what neither a tokenizer nor a database takes."""
    encodable = text.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFC", encodable.replace("\0", " ")).strip()
