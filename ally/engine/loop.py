"""One turn: the model answers, its tools run, until it is done. Everything that happens is an event."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ally.engine.answer import Answer
from ally.engine.citing import Citing
from ally.engine.compaction import compact, is_needed, usage_of
from ally.engine.conversation import Conversation
from ally.engine.cut import find_cut, give_up
from ally.engine.grounding import say
from ally.engine.interrupt import Interrupted, TimeUp
from ally.engine.retry import next_wait_s
from ally.engine.runaway import Runaway
from ally.engine.schema import UnknownReference, read_form
from ally.engine.tool_calls import run_calls
from ally.errors import (
    AllyError,
    BadReply,
    BadRequest,
    ContextTooLong,
    CutStream,
    KnowledgeError,
    ProviderError,
    StorageError,
)
from ally.events import (
    FINAL,
    Event,
    Notice,
    ThinkingDelta,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    UserSaid,
)
from ally.messages import AssistantMessage, BadToolCall, Text, ToolCall, ToolMessage, UserMessage, user
from ally.providers.model import Done, Request, TextChunk, ThinkingChunk

MAX_BAD_ROUNDS = 3
"""Answers in a row whose every tool call was unusable, before the turn gives up."""

AS_JSON = "Now give your answer as JSON of the schema, and nothing else."
"""Said when the work with tools is done and the answer has to have a form."""

NO_ANSWER = "(no answer)"
"""What stands in the history for an answer of which nothing can be kept, where there has to be one."""


async def send(talk: Conversation, message: UserMessage) -> AsyncGenerator[Event]:
    """Say `message` and yield what happens, in the order of `ally.events.check_order`.

    Failures of the model and of tools are events, not exceptions. However the turn ends, the history in
    `talk.messages` can be continued: every tool call has a result. A message that got no answer is kept and said again
    together with the next one. Messages queued meanwhile become part of the turn.
    """
    talk.interrupt.start(talk.limits.max_seconds)
    talk.meter.start_turn()
    yield TurnStarted(talk.model.profile.provider, talk.model.profile.model)
    answer, citing = Answer(), Citing(talk)
    try:
        for event in await say(talk, message, citing.given):
            yield event
        async with aclosing(_rounds(talk, answer, citing)) as events:
            async for event in events:
                for told in citing.end(event) if isinstance(event, FINAL) else ():
                    yield told
                yield event
    except (Interrupted, TimeUp, ProviderError, KnowledgeError, StorageError) as end:
        if answer.has_begun:
            for event in await citing.stop():
                yield event
        final = _ended_early(talk, answer, citing, end)
        for event in [*citing.end(final), final]:
            yield event


async def _rounds(talk: Conversation, answer: Answer, citing: Citing) -> AsyncGenerator[Event]:
    """Model and tools in turn; `answer` is emptied for each call of the model. Ends with a final event."""
    turns = bad_rounds = 0
    runaway = Runaway()
    request = talk.request
    while True:
        for event in await _take_queued(talk, citing):
            yield event
        if talk.limits.max_turns is not None and turns >= talk.limits.max_turns:
            yield TurnFinished("max_turns")
            return
        turns += 1
        async with aclosing(_ask(talk, answer, citing, request)) as events:
            async for event in events:
                yield event
        finished, calls, done, repeats = answer.message(), answer.calls, answer.done, answer.repeats
        answer.clear()
        for event in citing.close(finished, is_last=not calls):
            yield event
        if repeats:
            yield Notice("Stopped: the model only repeats itself. Ask again in other words, or choose another model.")
            yield TurnFinished("runaway")
            return
        if not calls:
            if talk.waiting or (request != talk.form_request and not _has_form(talk, finished)):
                request = request if talk.waiting else _ask_for_form(talk)
                continue
            reason = done.stop_reason if done else "end"
            if reason == "end" and not finished.text.strip():
                yield Notice("The model answered nothing. Ask again in other words, or choose another model.")
            yield TurnFinished(reason)
            return
        async with aclosing(run_calls(talk, calls)) as events:
            async for event in events:
                yield event
        bad_rounds = 0 if any(isinstance(call, ToolCall) for call in calls) else bad_rounds + 1
        if bad_rounds >= MAX_BAD_ROUNDS:
            yield TurnFailed(_gave_up(talk, calls))
            return
        if reason := runaway.add(calls, talk.last_results()):
            yield Notice(f"Stopped: {reason}. Say how to go on.")
            yield TurnFinished("runaway")
            return


def _has_form(talk: Conversation, answer: AssistantMessage) -> bool:
    """Whether nothing more has to be asked for: no form is wanted, it was asked for, or the answer has it."""
    if talk.json_schema is None or not talk.tool_specs():
        return True
    try:
        read_form(answer.text, talk.json_schema)
    except (ValueError, UnknownReference):
        return False
    return True


def _ask_for_form(talk: Conversation) -> Callable[[], Request]:
    """Say that the answer has to have a form; how it is asked for from here on."""
    talk.say(user(AS_JSON))
    talk.meter.forget()  # it has no tools
    return talk.form_request


async def _take_queued(talk: Conversation, citing: Citing) -> list[Event]:
    taken: list[Event] = []
    while talk.waiting:
        taken += [*await say(talk, talk.waiting[0], citing.given), UserSaid(talk.waiting[0])]
        talk.waiting.popleft()
    return taken


async def _ask(
    talk: Conversation, answer: Answer, citing: Citing, request: Callable[[], Request]
) -> AsyncGenerator[Event]:
    """Call the model, again if that may help, and fill `answer`; a conversation that is too long is compacted once."""
    attempt = 1
    may_compact = True
    if is_needed(talk):
        may_compact = False
        async with aclosing(compact(talk)) as events:
            async for event in events:
                yield event
    while True:
        try:
            async with aclosing(_attempt(talk, answer, citing, request())) as events:
                async for event in events:
                    yield event
            return
        except ContextTooLong:
            if answer.has_begun or not may_compact or len(talk.messages) < 2:
                raise
            may_compact = False
            async with aclosing(compact(talk)) as events:
                async for event in events:
                    yield event
        except ProviderError as error:
            wait_s = next_wait_s(error, attempt)
            if wait_s is None or answer.has_begun:
                raise
            attempt += 1
            said = error.message if error.message.endswith((".", "!", "?")) else f"{error.message}."
            yield Notice(f"{said} Trying again.", retry_in_s=wait_s)
            await talk.interrupt.sleep(wait_s)


async def _attempt(talk: Conversation, answer: Answer, citing: Citing, request: Request) -> AsyncGenerator[Event]:
    citing.begin()
    async with aclosing(talk.interrupt.each(talk.model.stream(request))) as chunks:
        async for chunk in chunks:
            answer.add(chunk)
            for event in await (citing.add(chunk.text) if isinstance(chunk, TextChunk) else citing.flush()):
                yield event
            if isinstance(chunk, ThinkingChunk) and chunk.text:
                yield ThinkingDelta(chunk.text)
            if answer.repeats:
                answer.add(Done("length"))
                for event in await citing.flush():
                    yield event
                break
    if answer.done is None:
        profile = talk.model.profile
        raise CutStream("The answer stopped before it was complete.", provider=profile.provider, model=profile.model)
    if usage := answer.done.usage:
        cut = find_cut(request, usage.input_tokens, talk.model.profile, talk.meter.before)
        talk.count(usage.input_tokens + usage.output_tokens)
        reported = usage_of(talk, request, usage)
        yield reported
        if cut is not None:
            answer.clear()  # it was given without part of the prompt: nothing in it is kept, and no call runs
            raise give_up(talk, cut)
        if reported.broken_at and talk.model.profile.location != "cloud":  # there, caches come and go
            anew = usage.input_tokens - usage.cached_input_tokens
            yield Notice(f"The model read {anew:,} tokens of the prompt again: {reported.broken_at}.")


def _ended_early(talk: Conversation, answer: Answer, citing: Citing, end: Exception) -> Event:
    partial = answer.partial()
    if partial is not None:
        partial = citing.seal(partial)
        talk.answer(partial)
    elif isinstance(end, ContextTooLong | BadRequest) and isinstance(talk.messages[-1], UserMessage):
        talk.retract()  # the service refused what it says or shows, and would refuse all that follows
    elif talk.messages and isinstance(talk.messages[-1], ToolMessage):
        talk.answer(AssistantMessage((Text(NO_ANSWER),)))
    if isinstance(end, AllyError):
        return TurnFailed(end, partial)
    return TurnInterrupted(partial) if isinstance(end, Interrupted) else TurnFinished("max_seconds")


def _gave_up(talk: Conversation, calls: list[ToolCall | BadToolCall]) -> BadReply:
    profile = talk.model.profile
    problem = next((call.problem for call in calls if isinstance(call, BadToolCall)), "")
    return BadReply(
        f"{MAX_BAD_ROUNDS} answers in a row held only unusable tool calls. The last: {problem}",
        provider=profile.provider,
        model=profile.model,
        hint="try another model, or ask without tools",
    )
