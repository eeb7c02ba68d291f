"""Answers that come from the user's collections: passages go along with each question, and other sources ask."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ally.config.settings import RewriteMethod
from ally.engine.answer import Answer
from ally.engine.compaction import GO_ON
from ally.engine.conversation import Conversation
from ally.errors import KnowledgeError, ProviderError
from ally.events import Event, Notice, UsageReported
from ally.messages import Source, UserMessage, user
from ally.permissions.action import Action, Allow, Ask, Decision
from ally.rag.librarian import room
from ally.rag.search.query import Query

if TYPE_CHECKING:
    from ally.rag.librarian import Given

LIMIT = 8
TINY_TOKENS = 500
"""What a model gets that is lost in more."""

_MAX_QUESTION = 2_000
_EARLIER = 6
_HEAD = "[Passages from the user's collections for this question:]"
_ONLY = (
    "Answer from these passages and those given before, and from nothing else. If they do not hold the answer, say that"
    " the collections do not say it; do not answer from what you know."
)
_FIRST = "Answer from these passages first. Where you take something from elsewhere, say so."
_NOTHING = "[Nothing was found in the user's collections for this question. Say so; do not answer from what you know.]"
_NOTHING_OPEN = "[Nothing was found in the user's collections for this question. Say so before anything else.]"
_WHY = "answers come only from your collections"


@dataclass(slots=True)
class Grounding:
    """How answers come from collections while that is on. `is_open`: from elsewhere, too; `allowed` are tools that the
    user let it use. `rewrite` says how a question is completed that leans on the one before."""

    is_open: bool = False
    rewrite: RewriteMethod = "words"
    allowed: set[str] = field(default_factory=set[str])

    def judge(self, action: Action, decision: Decision) -> Decision:
        """What becomes of a call that the policy decided on: what looks or reaches elsewhere asks first."""
        if self.is_open or action.kind == "none" or action.tool in self.allowed:
            return decision
        match decision:
            case Allow(_, _, grant):
                return Ask("/start_rag", _WHY, ("once", "session"), grant=grant)
            case Ask(reason=reason):
                return replace(decision, reason=f"{_WHY}; {reason}")
            case _:
                return decision


async def say(talk: Conversation, message: UserMessage, given_before: list[Source]) -> list[Event]:
    """Say `message`, while answers come from collections with its passages; what there is to tell of them.

    Its passages are added to `given_before`, those of the turn.

    Raises:
        KnowledgeError, StorageError: nothing can be searched; the message is not said.
        Interrupted, TimeUp: the turn has to end; it is not said either.
    """
    if talk.grounding is None:
        talk.say(message)
        return []
    if talk.librarian is None:
        raise KnowledgeError("There are no collections here.", hint="/stop_rag")
    question, events = await _question(talk, talk.grounding, message.text[:_MAX_QUESTION])
    work = asyncio.to_thread(talk.librarian.find, question, talk.sources)
    given = await talk.interrupt.wait_for(work)
    context = "\n\n".join(filter(None, (message.context, _context(talk, talk.grounding, given))))
    talk.say(replace(message, context=context, sources=(*message.sources, *given.sources)))
    given_before += given.sources
    return [*events, Notice(_told(given))]


async def _question(talk: Conversation, grounding: Grounding, text: str) -> tuple[Query, list[Event]]:
    """What is looked for."""
    profile = talk.model.profile
    limit, most = (2, TINY_TOKENS) if profile.is_tiny else (LIMIT, room(profile.context_window))
    said = (message.text for message in talk.messages if isinstance(message, UserMessage))
    earlier = [one for one in said if one.strip() and one != GO_ON][-_EARLIER:]
    events: list[Event] = []
    if grounding.rewrite == "model" and await asyncio.to_thread(_leans, text, earlier):
        rewritten, events = await _rewritten(talk, text)
        if rewritten != text:
            return Query(rewritten, limit, most), events
    return Query(text, limit, most, history=earlier if grounding.rewrite != "off" else ()), events


def _leans(text: str, earlier: Sequence[str]) -> bool:
    from ally.rag.search.rewriting import leans  # late: only where questions are completed by a model
    from ally.rag.search.wording import telling_words  # late: as above

    return bool(earlier) and leans(text, telling_words(text))


async def _rewritten(talk: Conversation, text: str) -> tuple[str, list[Event]]:
    """The question as the model completes it; the request extends the conversation, which stays as it is."""
    from ally.rag.search.rewriting import INSTRUCTION, parse  # late: as above

    if isinstance(talk.messages[-1], UserMessage):  # it got no answer: there is nothing to go on from
        return text, []
    order = user(f"{INSTRUCTION}\n\nThe last question: {text}")
    request = replace(talk.request_for([*talk.messages, order]), purpose="rewrite")
    answer = Answer()
    try:
        async with aclosing(talk.interrupt.each(talk.model.stream(request))) as chunks:
            async for chunk in chunks:
                answer.add(chunk)
    except ProviderError:  # the words have to do; the question itself is asked next, and fails or does not
        return text, []
    usage = answer.done.usage if answer.done else None
    told: list[Event] = []
    if usage is not None:
        cached, written = usage.cached_input_tokens, usage.cache_written_tokens
        told.append(UsageReported(usage.input_tokens, usage.output_tokens, cached, "", written))
    return parse(answer.message().text, text), told


def _context(talk: Conversation, grounding: Grounding, given: "Given") -> str:
    """What the model reads with the question."""
    if not given.text:
        return _NOTHING_OPEN if grounding.is_open else _NOTHING
    if talk.model.profile.is_tiny:  # rules would only be repeated
        from ally.rag.citing.presenting import HOW_TO_CITE  # late: as above

        return f"[From the user's files:]\n\n{given.text.removesuffix(HOW_TO_CITE).rstrip()}"
    return f"{_HEAD}\n\n{given.text}\n\n{_FIRST if grounding.is_open else _ONLY}"


def _told(given: "Given") -> str:
    left_out = f"{given.left_out} of files that may not be read left out" if given.left_out else ""
    said = given.in_words()
    notes = (note.removesuffix(".") for note in given.notes)
    return "; ".join(filter(None, (f"{said[:1].upper()}{said[1:]}", left_out, *notes))) + "."
