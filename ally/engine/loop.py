"""One turn: the model answers, its tools run, until it is done. Everything that happens is an event."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ally.engine.answer import Answer
from ally.engine.conversation import Conversation
from ally.engine.interrupt import Interrupted, TimeUp
from ally.engine.retry import next_wait_s
from ally.engine.tool_calls import interrupted, run_call
from ally.errors import BadReply, BadRequest, ContextTooLong, CutStream, ProviderError
from ally.events import (
    Event,
    MessageFinished,
    Notice,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolRequested,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    UsageReported,
)
from ally.messages import AssistantMessage, BadToolCall, Text, ToolCall, ToolMessage, ToolResult, UserMessage
from ally.providers.model import TextChunk, ThinkingChunk

MAX_BAD_ROUNDS = 3
"""Answers in a row whose every tool call was unusable, before the turn gives up."""

NO_ANSWER = "(no answer)"
"""What stands in the history for an answer of which nothing can be kept, where there has to be one."""


async def send(talk: Conversation, message: UserMessage) -> AsyncGenerator[Event]:
    """Say `message` and yield what happens, in the order of `ally.events.check_order`.

    Failures of the model and of tools are events, not exceptions. However the turn ends, the history in
    `talk.messages` can be continued: every tool call has a result and the roles alternate. A message that got no answer
    is kept and said again together with the next one.
    """
    talk.say(message)
    talk.interrupt.start(talk.limits.max_seconds)
    yield TurnStarted(talk.model.profile.provider, talk.model.profile.model)
    turns = bad_rounds = 0
    while True:
        if talk.limits.max_turns is not None and turns >= talk.limits.max_turns:
            yield TurnFinished("max_turns")
            return
        turns += 1
        answer = Answer()
        try:
            async with aclosing(_ask(talk, answer)) as events:
                async for event in events:
                    yield event
        except (Interrupted, TimeUp, ProviderError) as end:
            yield _ended_early(talk, answer, end)
            return
        finished = answer.message()
        talk.messages.append(finished)
        yield MessageFinished(finished)
        if not answer.calls:
            yield TurnFinished(answer.done.stop_reason if answer.done else "end")
            return
        usable = any(isinstance(call, ToolCall) for call in answer.calls)
        bad_rounds = 0 if usable else bad_rounds + 1
        try:
            async with aclosing(_run_calls(talk, answer.calls)) as events:
                async for event in events:
                    yield event
        except Interrupted:
            yield TurnInterrupted()
            return
        except TimeUp:
            yield TurnFinished("max_seconds")
            return
        if bad_rounds >= MAX_BAD_ROUNDS:
            yield TurnFailed(_gave_up(talk, answer))
            return


async def _ask(talk: Conversation, answer: Answer) -> AsyncGenerator[Event]:
    """Call the model, again if that may help, and fill `answer`."""
    attempt = 1
    while True:
        try:
            async with aclosing(_attempt(talk, answer)) as events:
                async for event in events:
                    yield event
            return
        except ProviderError as error:
            wait_s = next_wait_s(error, attempt)
            if wait_s is None or answer.has_begun:
                raise
            attempt += 1
            yield Notice(f"{error.message} Trying again.", retry_in_s=wait_s)
            await talk.interrupt.sleep(wait_s)


async def _attempt(talk: Conversation, answer: Answer) -> AsyncGenerator[Event]:
    async with aclosing(talk.interrupt.each(talk.model.stream(talk.request()))) as chunks:
        async for chunk in chunks:
            answer.add(chunk)
            if isinstance(chunk, TextChunk):
                yield TextDelta(chunk.text)
            elif isinstance(chunk, ThinkingChunk) and chunk.text:
                yield ThinkingDelta(chunk.text)
    if answer.done is None:
        profile = talk.model.profile
        raise CutStream("The answer stopped before it was complete.", provider=profile.provider, model=profile.model)
    if usage := answer.done.usage:
        yield UsageReported(usage.input_tokens, usage.output_tokens, usage.cached_input_tokens)


async def _run_calls(talk: Conversation, calls: list[ToolCall | BadToolCall]) -> AsyncGenerator[Event]:
    """Run the calls one by one; when stopped, the rest get a result that says so."""
    results: list[ToolResult] = []
    try:
        for call in calls:
            yield ToolRequested(call)
            result = await talk.interrupt.wait_for(run_call(talk.tools, call))
            results.append(result)
            yield ToolFinished(result)
    finally:
        results += [interrupted(call) for call in calls[len(results) :]]
        talk.messages.append(ToolMessage(tuple(results)))


def _ended_early(talk: Conversation, answer: Answer, end: Exception) -> Event:
    partial = answer.partial()
    if partial is not None:
        talk.messages.append(partial)
    elif isinstance(talk.messages[-1], ToolMessage):
        talk.messages.append(AssistantMessage((Text(NO_ANSWER),)))
    elif isinstance(end, ContextTooLong | BadRequest):
        talk.messages.pop()  # the service refused what it says or shows, and would refuse all that follows
    if isinstance(end, ProviderError):
        return TurnFailed(end, partial)
    return TurnInterrupted(partial) if isinstance(end, Interrupted) else TurnFinished("max_seconds")


def _gave_up(talk: Conversation, answer: Answer) -> BadReply:
    profile = talk.model.profile
    problem = next((call.problem for call in answer.calls if isinstance(call, BadToolCall)), "")
    return BadReply(
        f"{MAX_BAD_ROUNDS} answers in a row held only unusable tool calls. The last: {problem}",
        provider=profile.provider,
        model=profile.model,
        hint="try another model, or ask without tools",
    )
