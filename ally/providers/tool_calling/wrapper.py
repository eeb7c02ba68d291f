"""A model that can use tools, whatever its service can do."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from ally.errors import BadRequest, ProviderError
from ally.messages import AssistantMessage, BadToolCall, Message, Text, ToolCall, ToolSpec, UserMessage
from ally.providers.model import Chunk, Done, Model, Profile, Request, TextChunk, ThinkingChunk, ToolCalling
from ally.providers.tool_calling.choose import Verdict, choose, refuses
from ally.providers.tool_calling.reading import FormReader, PlainReader, PrintedReader, Reader, unique
from ally.providers.tool_calling.render import Form, Transcript, explain, urge
from ally.providers.tool_calling.schema import answer_schema
from ally.providers.wire.calls import CallIds, find_calls

if TYPE_CHECKING:
    from ally.providers.tool_calling.tiny import Narrowed


@dataclass(slots=True)
class _Attempt:
    """One call of the model: what is sent, how its answer is read, and what of it came so far.

    `given` is the answer, if the model need not be asked.
    """

    request: Request
    reader: Reader
    ids: CallIds
    transcript: Transcript | None = None
    text: list[str] = field(default_factory=list[str])
    calls: list[ToolCall | BadToolCall] = field(default_factory=list[ToolCall | BadToolCall])
    thinking: "_Thinking | None" = None
    given: str = ""


class ToolCallingModel:
    """Gives `inner` tools: by its service's own field, as JSON held to a schema, or as text that is read here.

    How is decided when a conversation begins, and again only if the service refuses.
    """

    def __init__(self, inner: Model, verdict: Verdict = None) -> None:
        self.inner = inner
        self._verdict: Verdict = verdict
        self._looked_up: tuple[str, ToolCalling | None] | None = None
        self._way: ToolCalling | None = None
        self._refused: set[ToolCalling] = set()
        self._transcripts: dict[ToolCalling, Transcript] = {}
        self._told: tuple[str, Sequence[ToolSpec]] = ("", ())
        self._explained: tuple[ToolCalling, Sequence[ToolSpec], str] | None = None

    @property
    def profile(self) -> Profile:
        """What is known of the model, which always takes tools; `tool_calling` says in which way."""
        profile = self.inner.profile
        return replace(profile, tools=True, tool_calling=self._way or self._choose(profile))

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer, in another way if the service refuses this one."""
        while True:
            way = self._decide(request)
            started = False
            try:
                async with aclosing(self._attempt(way, request)) as chunks:
                    async for chunk in chunks:
                        started = True
                        yield chunk
                return
            except ProviderError as error:
                if started or not self._give_up(way, request, error):
                    raise

    async def close(self) -> None:
        """Give back connections; the model is not used afterwards."""
        await self.inner.close()

    def _choose(self, profile: Profile) -> ToolCalling:
        return choose(profile, self._checked(profile), self._refused)

    def _checked(self, profile: Profile) -> ToolCalling | None:
        """What a check found out about the very weights that run, looked up once for them."""
        if not callable(self._verdict):
            return self._verdict
        if self._looked_up is None or self._looked_up[0] != profile.digest:
            self._looked_up = profile.digest, self._verdict(profile)
        return self._looked_up[1]

    def _decide(self, request: Request) -> ToolCalling:
        """The way of this conversation; a conversation without an answer is a new one."""
        goes_on = any(isinstance(message, AssistantMessage) for message in request.messages)
        if self._way is None or not goes_on:
            self._way = self._choose(self.inner.profile)
        return self._way

    def _give_up(self, way: ToolCalling, request: Request, error: ProviderError) -> bool:
        """Go over to the next way, if `error` is about this one and not about what the caller asked for."""
        is_about_us = bool(request.tools) if way == "native" else request.json_schema is None
        if not (is_about_us and refuses(way, error)):
            return False
        self._refused.add(way)
        self._way = self._choose(self.inner.profile)
        return True

    async def _attempt(self, way: ToolCalling, request: Request) -> AsyncGenerator[Chunk]:
        attempt = self._prepare(way, request)
        if attempt.given:
            yield TextChunk(attempt.given)
            yield Done("end")
            return
        source = cast("AsyncGenerator[Chunk]", self.inner.stream(attempt.request))
        done: Done | None = None
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                if way == "native" and request.tools and not self.inner.profile.tools:
                    raise self._left_out()
                if isinstance(chunk, Done):
                    done = chunk
                    continue
                for piece in _read(attempt, chunk):
                    yield piece
                if attempt.reader.is_over:
                    done = Done("tool_calls")
                    break
        if done is None:
            return
        for piece in _finish(attempt, done):
            yield piece

    def _left_out(self) -> BadRequest:
        """What a model that got better known while it was called says by its profile."""
        profile = self.inner.profile
        return BadRequest(f"{profile.model} does not support tools.", provider=profile.provider, model=profile.model)

    def _prepare(self, way: ToolCalling, request: Request) -> _Attempt:
        ids = CallIds(request.messages)
        may_call = bool(request.tools) and request.tool_choice != "none"
        if way == "native":
            reader = PrintedReader(request.tools, ids, anywhere=False) if may_call else PlainReader()
            return _Attempt(request, reader, ids)
        if way == "schema" and self.profile.is_tiny:
            return self._prepare_tiny(request, ids)
        tools = self._known_tools(request)
        if not tools and not any(find_calls(message) for message in request.messages):
            return _Attempt(request, PlainReader(), ids)  # a conversation without tools
        transcript = self._transcripts.setdefault(way, Transcript(way))
        messages = transcript.write(request.messages, images=self.inner.profile.images)
        # What agents have in common stands before what is their own.
        system = "\n\n".join(filter(None, (self._explain(way, tools), request.system)))
        sent = replace(request, messages=messages, system=system, tools=(), tool_choice="auto")
        if request.json_schema is not None:
            return _Attempt(sent, PlainReader(), ids)
        if way == "text":
            if request.tools:
                sent = replace(sent, messages=urge(messages, request.tool_choice))
            reader = PrintedReader(request.tools, ids, anywhere=True) if may_call else PlainReader()
            return _Attempt(sent, reader, ids, transcript)
        sent = replace(sent, json_schema=self._form(request))
        reader = FormReader(request.tools if may_call else (), ids)
        return _Attempt(sent, reader, ids, transcript, thinking=_Thinking())

    def _known_tools(self, request: Request) -> Sequence[ToolSpec]:
        """The tools that the prompt describes: also where none may be called, so that it stays the same."""
        if request.tools:
            self._told = (request.system, request.tools)
        system, tools = self._told
        return tools if request.system == system else ()

    def _explain(self, form: Form, tools: Sequence[ToolSpec]) -> str:
        if not tools:
            return ""
        if self._explained is None or self._explained[:2] != (form, tools):
            self._explained = form, tools, explain(form, tools)
        return self._explained[2]

    def _form(self, request: Request) -> dict[str, object]:
        """The schema of the answer: what the choice of the caller and the size of the model leave."""
        choice, tools = request.tool_choice, request.tools
        if choice == "none" or request.purpose == "compaction":
            return answer_schema((), may_answer=True)
        if choice != "auto":
            named = [tool for tool in tools if tool.name == choice]
            return answer_schema(named or tools, may_answer=False)
        narrowed = self._narrow(request)
        return _form_of(narrowed) if narrowed else answer_schema(tools, may_answer=True)

    def _narrow(self, request: Request) -> "Narrowed | None":
        """What the user's words leave to a model that cannot choose itself; None for one that can, or may not call."""
        parameters = self.inner.profile.parameters
        is_left = request.tool_choice == "auto" and request.json_schema is None and request.purpose != "compaction"
        if parameters is None or not request.tools or not is_left:
            return None
        from ally.providers.tool_calling.tiny import MAX_PARAMETERS, narrow  # heavy

        if parameters > MAX_PARAMETERS:
            return None
        return narrow(request.tools, [_words(message) for message in request.messages])

    def _prepare_tiny(self, request: Request, ids: CallIds) -> _Attempt:
        """Only a call is held to a schema: words are better without."""
        from ally.providers.tool_calling.tiny.one_call import answer_of, write  # heavy

        sent = replace(request, messages=write(request.messages), tools=(), tool_choice="auto")
        narrowed = self._narrow(request)
        if narrowed is not None and not narrowed.tools:
            return _Attempt(sent, PlainReader(), ids, given=answer_of(request.messages))
        if narrowed is None and request.tool_choice in ("auto", "none"):
            return _Attempt(sent, PlainReader(), ids)
        form = _form_of(narrowed) if narrowed else self._form(request)
        return _Attempt(replace(sent, json_schema=form), FormReader(request.tools, ids), ids)


def _form_of(narrowed: "Narrowed") -> dict[str, object]:
    return answer_schema(narrowed.tools, may_answer=narrowed.may_answer)


def _words(message: Message) -> Message:
    """`message` without the folder and the date that Ally adds to what the user says."""
    match message:
        case UserMessage(parts=(*words, Text(text))) if words and text.startswith("["):
            return UserMessage(tuple(words))
        case _:
            return message


class _Thinking:
    """Finds the JSON that some servers send as thinking: they hold the model to it before it has stopped to think."""

    def __init__(self) -> None:
        self._is_json: bool | None = None
        self._held = ""

    def feed(self, chunk: ThinkingChunk) -> tuple[list[ThinkingChunk], str]:
        """What is thinking, and what is the answer."""
        if self._is_json is None:
            self._held += chunk.text
            start = self._held.lstrip()
            if not start and not chunk.signature:
                return [], ""
            self._is_json = start.startswith("{")
            chunk = replace(chunk, text=self._held)
        return ([], chunk.text) if self._is_json else ([chunk], "")


def _read(attempt: _Attempt, chunk: Chunk) -> list[Chunk]:
    """What of `chunk` can be passed on now."""
    text = ""
    found: list[Chunk] = []
    match chunk:
        case TextChunk(text):
            pass
        case ThinkingChunk() if attempt.thinking is not None:
            thoughts, text = attempt.thinking.feed(chunk)
            found += thoughts
        case ToolCall() | BadToolCall():
            attempt.calls.append(chunk)
            found.append(chunk)
        case _:
            found.append(chunk)
    if text:
        said = attempt.reader.feed(text)
        attempt.text += [one.text for one in said if isinstance(one, TextChunk)]
        found += said
    return found


def _finish(attempt: _Attempt, done: Done) -> list[Chunk]:
    """The end of the answer: the rest of its text, the calls that were printed in it, and `Done`."""
    pieces = attempt.reader.finish(cut=done.stop_reason in ("length", "refused"))
    said = [piece for piece in pieces if isinstance(piece, TextChunk | ThinkingChunk)]
    calls = [piece for piece in pieces if isinstance(piece, ToolCall | BadToolCall)]
    printed = unique(calls, attempt.calls, attempt.ids)
    if attempt.transcript is not None and attempt.reader.raw:
        text = "".join([*attempt.text, *(one.text for one in said if isinstance(one, TextChunk))])
        attempt.transcript.learn(text, printed, attempt.reader.raw)
    if printed and done.stop_reason in ("end", "stop_sequence"):
        done = replace(done, stop_reason="tool_calls")
    return [*said, *printed, done]
