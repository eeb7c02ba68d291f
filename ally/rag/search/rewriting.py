"""Questions that lean on the conversation are completed for the search; what the model is asked stays as it was."""

import re
from collections.abc import Sequence

from ally.rag.search.wording import telling_words

INSTRUCTION = (
    "Write the last question of this conversation so that it can be understood alone: put what its pronouns and omitted"
    " words stand for in their place, in the language of the question, as one short search query. Answer with the query"
    " alone."
)
MOST_EARLIER = 8
_MOST_CHARS = 400
_LOOK_BACK = 3
_SHORT = 2

_PRONOUNS = """
it its they them their theirs this that these those he she his her him one ones another else same both former latter
there here then
es sie ihn ihm ihr ihnen dies diese dieser dieses diesem diesen das dort davon dafür damit darin daran dazu dabei
ça cela ceci ils elles celui celle ceux celles
eso esto ello ellos ellas ese esa
quello questo esso essi
isso isto
"""
_LEANING = frozenset(_PRONOUNS.split())
_OPENING = re.compile(r"\s*(?:and|but|what about|how about|und|aber|et|mais|y|pero|en|maar)\b", re.I)
_WORD = re.compile(r"\w+")
_LABEL = re.compile(r"^\s*(?:standalone |search |rewritten )?(?:query|question)\s*:\s*", re.I)
_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.S)


def complete(text: str, history: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The text to embed, and the words of earlier questions that are looked for besides.

    Both stay as they are for a question that stands alone. Else the words of the last question that has any come along,
    the nearest question first.
    """
    words = telling_words(text)
    if not history or not leans(text, words):
        return text, ()
    known = {word.casefold() for word in words}
    earlier: dict[str, str] = {}
    before: list[str] = []
    for question in reversed(history[-_LOOK_BACK:]):
        found = telling_words(question[:_MOST_CHARS])
        fresh = {word.casefold(): word for word in found if word.casefold() not in known}
        earlier = {**earlier, **{key: word for key, word in fresh.items() if key not in earlier}}
        before.insert(0, question[:_MOST_CHARS].strip())
        if fresh and not leans(question, found):
            break
    if not earlier:
        return text, ()
    return "\n".join([*before, text]), tuple(earlier.values())[:MOST_EARLIER]


def leans(text: str, words: Sequence[str]) -> bool:
    """Whether a question can hardly be understood without the one before it.

    It begins as if it went on, has a pronoun and few words of its own, or none. A question in another language
    than those known here is taken as it is, unless it is very short.
    """
    all_words = [word.lower() for word in _WORD.findall(text)]
    own = [word for word in words if word.lower() not in _LEANING]
    if _OPENING.match(text) and len(own) <= 4:
        return True
    has_pronoun = any(word in _LEANING for word in all_words)
    if has_pronoun and len(own) <= 3:
        return True
    return bool(all_words) and len(own) < _SHORT and len(all_words) > len(own)


def conversation(text: str, history: Sequence[str]) -> str:
    """What a model is given below `INSTRUCTION`: the questions before, and the one to be completed."""
    before = "\n".join(f"- {question[:_MOST_CHARS].strip()}" for question in history[-_LOOK_BACK:])
    return f"Questions before:\n{before}\n\nLast question: {text}"


def parse(reply: str, text: str) -> str:
    """The query that a model wrote; the question as it was where the reply is none."""
    lines = [line.strip() for line in _THINKING.sub("", reply).strip().splitlines()]
    line = next((line for line in lines if line), "")
    query = _LABEL.sub("", line).strip().strip("\"'`*“”").strip()
    if not query or len(query) > max(300, 3 * len(text)) or not _WORD.search(query):
        return text
    return query
