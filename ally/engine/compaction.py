"""A conversation that outgrows its window goes on with a summary of itself."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from ally.engine import tokens
from ally.engine.answer import Answer
from ally.engine.conversation import Conversation
from ally.engine.cut import find_cut, give_up
from ally.errors import BadReply, ContextTooLong, PromptCut
from ally.events import Compacted, Event, Notice, UsageReported
from ally.messages import AssistantMessage, Message, Text, ToolCall, ToolMessage, UserMessage, assistant, user
from ally.providers.model import Request, Usage

RESERVE_SHARE = 0.15
"""The part of the window kept free for the answer."""

MAX_RESERVE_TOKENS = 16_000
MAX_REQUEST_CHARS = 4_000
SUMMARISE = (
    "The conversation has grown too long and goes on from your summary alone. Do not call tools. Write down, in the"
    " language of the conversation: what the user wants, word for word where it matters; what was decided and why; what"
    " was done, with the files read and changed; what was found out, with names and numbers; what failed; and what is"
    " left to do, the next step first. Nothing else."
)
GO_ON = "Go on."
UNDERSTOOD = "I go on from there."
LEFT_OUT = "[left out: the conversation was too long]"


def is_needed(talk: Conversation) -> bool:
    """Whether the next request would leave too little room for its answer. Unknown windows never fill."""
    window = talk.model.profile.context_window
    if window is None or len(talk.messages) < 3:
        return False
    reserve = min(round(window * RESERVE_SHARE), MAX_RESERVE_TOKENS)
    return next_tokens(talk) > window - reserve


def next_tokens(talk: Conversation) -> int:
    """About how many tokens the next request has: what the service counted, plus an estimate of the rest."""
    if talk.used_tokens is not None:
        return talk.used_tokens + tokens.of_messages(talk.messages[talk.counted_messages :])
    return tokens.of_text(talk.system) + of_tools(talk) + tokens.of_messages(talk.messages)


def of_tools(talk: Conversation) -> int:
    """About how many tokens the tools have in the next request; a tiny model is not shown them."""
    return 0 if talk.model.profile.is_tiny else tokens.of_tools(talk.tool_specs())


async def compact(talk: Conversation, focus: str = "") -> AsyncGenerator[Event]:
    """Put a summary by the model in place of the history; the user's last message stays as it is.

    The request for it extends the conversation, so that its beginning is read from the cache. Until the summary is
    there nothing changes.

    Raises:
        Interrupted, TimeUp: the turn has to end.
        ProviderError: no summary could be had.
    """
    before = next_tokens(talk)
    pending = talk.messages[-1] if isinstance(talk.messages[-1], UserMessage) else None
    said = talk.messages[:-1] if pending else list(talk.messages)
    if not said:
        return
    yield Notice("The conversation is being summarised, to make room in the model's window.")
    answer = Answer()
    async with aclosing(_summarise(talk, said, focus, answer)) as events:
        async for event in events:
            yield event
    summary = answer.message().text.strip()
    profile = talk.model.profile
    if not summary:
        raise BadReply(
            "The model gave no summary of the conversation, which no longer fits its window.",
            provider=profile.provider,
            model=profile.model,
            hint="start a new conversation (/clear), or choose a model with a larger window",
        )
    if len(summary) > _letters(said):
        raise BadReply(
            "The model's summary is longer than the conversation, which stays as it is.",
            provider=profile.provider,
            model=profile.model,
            hint="choose another model, or start a new conversation (/clear)",
        )
    start = UserMessage((Text(GO_ON),), _frame(said, summary), talk.sources.all())  # the summary may cite them
    talk.replace_history([start, assistant(UNDERSTOOD), pending] if pending else [start])
    yield Compacted(before, next_tokens(talk), summary)


async def _summarise(talk: Conversation, said: Sequence[Message], focus: str, answer: Answer) -> AsyncGenerator[Event]:
    """Ask for the summary; when even that is too long, with less and less of what tools gave back."""
    order = f"{SUMMARISE} Keep above all: {focus}" if focus else SUMMARISE
    for shorter in (said, _without_results(said), _without_results(said)[-len(said) // 2 :]):
        history = _from_user(shorter)
        request = replace(talk.request_for([*history, user(order)]), purpose="compaction")
        try:
            async with aclosing(_collect(talk, request, answer)) as events:
                async for event in events:
                    yield event
            return
        except (ContextTooLong, PromptCut):
            answer.clear()
    raise ContextTooLong(
        "The conversation is too long even to be summarised.",
        provider=talk.model.profile.provider,
        model=talk.model.profile.model,
        hint="start a new conversation with /clear",
    )


async def _collect(talk: Conversation, request: Request, answer: Answer) -> AsyncGenerator[Event]:
    async with aclosing(talk.interrupt.each(talk.model.stream(request))) as chunks:
        async for chunk in chunks:
            answer.add(chunk)
    if answer.done and (usage := answer.done.usage):
        cut = find_cut(request, usage.input_tokens, talk.model.profile, talk.meter.before)
        yield usage_of(talk, request, usage)
        if cut is not None:
            raise give_up(talk, cut)


def usage_of(talk: Conversation, request: Request, usage: Usage) -> UsageReported:
    """What a call took, compared with the calls before."""
    reading = talk.meter.read(request, usage)
    return UsageReported(
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        reading.broken_at,
        usage.cache_written_tokens,
    )


def _without_results(said: Sequence[Message]) -> list[Message]:
    return [
        ToolMessage(tuple(replace(result, for_model=LEFT_OUT, images=()) for result in message.results))
        if isinstance(message, ToolMessage)
        else message
        for message in said
    ]


def _from_user(said: Sequence[Message]) -> list[Message]:
    """`said` without what comes before its first user message, unless there is none."""
    starts = [place for place, message in enumerate(said) if isinstance(message, UserMessage)]
    return list(said[starts[0] :]) if starts else [user(GO_ON)]


def _frame(said: Sequence[Message], summary: str) -> str:
    """The summary, with what must not depend on how well a model summarises."""
    requests = [message for message in said if isinstance(message, UserMessage)]
    parts = ["[The conversation so far was summarised by you:]", summary]
    earlier = [context for message in requests if (context := _earlier_goal(message))]
    goal = earlier[0] if earlier else (requests[0].text if requests else "")
    if goal:
        parts.append(f"[The user's first request:]\n{_shorten(goal)}")
    if requests and requests[-1].text not in (goal, GO_ON):
        parts.append(f"[The user's last request:]\n{_shorten(requests[-1].text)}")
    if touched := _touched(said):
        parts.append("[Files changed so far: " + ", ".join(touched) + "]")
    return "\n\n".join(parts)


def _earlier_goal(message: UserMessage) -> str:
    """The first request as an earlier summary kept it."""
    _, mark, rest = message.context.partition("[The user's first request:]\n")
    return rest.partition("\n\n[")[0] if mark else ""


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_REQUEST_CHARS else f"{text[:MAX_REQUEST_CHARS]} …"


def _touched(said: Sequence[Message]) -> list[str]:
    """The files that calls wrote, edited or deleted, in order; those of earlier summaries first."""
    paths: dict[str, None] = {}
    for message in said:
        if isinstance(message, UserMessage):
            _, mark, rest = message.context.partition("[Files changed so far: ")
            if mark:
                paths |= dict.fromkeys(rest.partition("]")[0].split(", "))
        if isinstance(message, AssistantMessage):
            for part in message.parts:
                if isinstance(part, ToolCall) and part.name in ("write", "edit", "delete"):
                    paths[str(part.args.get("path", ""))] = None
    return [path for path in paths if path]


def _letters(said: Sequence[Message]) -> int:
    """How long the text of these messages is, with what tools gave back."""
    total = 0
    for message in said:
        if isinstance(message, ToolMessage):
            total += sum(len(result.for_model) for result in message.results)
        else:
            total += len(message.text)
    return total
