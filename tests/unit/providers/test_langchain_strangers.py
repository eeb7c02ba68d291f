import asyncio
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.llms import LLM, BaseLLM
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
)
from langchain_core.runnables import RunnableLambda
from pydantic import Field

from ally.errors import BadReply, ConfigError, CutStream, IdleStream, ProviderError
from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    assistant,
    user,
)
from ally.providers.langchain import wrap_llm
from ally.providers.model import Done, Model, Request, TextChunk, ThinkingChunk, Usage
from tests.unit.providers.langchain_objects import ASK, HI, WEATHER, Plugin, collect, fail, text_of


class Stranger(BaseChatModel):
    """A chat model that plays what it is given: exceptions are raised, numbers are seconds of sleep that block."""

    plays: list[Any]
    seen: list[Any] = Field(default_factory=list)
    threads: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "stranger"

    def _next(self, messages: list[BaseMessage]) -> Iterator[BaseMessage]:
        self.seen.append(messages)
        self.threads.append(threading.current_thread().name)
        for one in self.plays:
            if isinstance(one, BaseException):
                raise one
            if isinstance(one, float):
                time.sleep(one)
            else:
                yield one if isinstance(one, BaseMessage) else AIMessageChunk(one)

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=list(self._next(messages))[-1])])


class SyncStream(Stranger):
    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        for message in self._next(messages):
            yield ChatGenerationChunk(message=message)


class ToolStream(SyncStream):
    def bind_tools(self, tools, *, tool_choice=None, **kwargs):
        return self.bind(tools=tools, tool_choice=tool_choice)


class AsyncStream(Stranger):
    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        for message in self._next(messages):
            yield ChatGenerationChunk(message=message)
            await asyncio.sleep(0)


class Completion(LLM):
    """A completion LLM without streaming."""

    says: str
    prompts: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "completion"

    def _call(self, prompt, stop=None, run_manager=None, **kwargs) -> str:
        self.prompts.append(prompt)
        return self.says


class StreamedCompletion(Completion):
    pieces: int = 3

    def _stream(self, prompt, stop=None, run_manager=None, **kwargs):
        self.prompts.append(prompt)
        for start in range(0, len(self.says), self.pieces):
            yield GenerationChunk(text=self.says[start : start + self.pieces])
        yield GenerationChunk(text="", generation_info={"finish_reason": "length"})


class CountedCompletion(BaseLLM):
    @property
    def _llm_type(self) -> str:
        return "counted"

    def _generate(self, prompts, stop=None, run_manager=None, **kwargs) -> LLMResult:
        usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
        return LLMResult(generations=[[Generation(text="Counted.")]], llm_output={"token_usage": usage})


def wrap(llm: object, *, streaming: bool = True, **options: Any) -> Model:
    return wrap_llm(Plugin(lambda *args, **kwargs: llm, streaming=streaming), "m", None, None, options)


def piece(name: str, args: str, index: int | None = 0, id: str | None = "c1") -> AIMessageChunk:  # noqa: A002 - as in LangChain
    return AIMessageChunk("", tool_call_chunks=[{"name": name, "args": args, "id": id, "index": index}])


@pytest.mark.parametrize("kind", [Stranger, SyncStream, AsyncStream])
@pytest.mark.parametrize("streaming", [True, False])
async def test_any_chat_class_answers(kind: type[Stranger], streaming: bool) -> None:
    model = wrap(kind(plays=["Hello ", "world"][0 if kind is not Stranger else 1 :]), streaming=streaming)
    chunks = await collect(model)
    assert text_of(chunks) in ("Hello world", "world")
    assert chunks[-1] == Done("end", None)
    assert model.profile.streaming == (streaming and kind is not Stranger)


@pytest.mark.parametrize("kind", [Stranger, SyncStream])
async def test_a_class_that_blocks_runs_in_a_thread_of_its_own(kind: type[Stranger]) -> None:
    llm = kind(plays=["Hello"])
    await collect(wrap(llm))
    assert llm.threads == ["ally-stranger"]


@pytest.mark.parametrize("kind", [Stranger, SyncStream])
async def test_cancelling_leaves_a_blocked_thread_behind(kind: type[Stranger]) -> None:
    model = wrap(kind(plays=["Hello", 5.0, "more"]))
    task = asyncio.create_task(collect(model))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    task.cancel()
    await asyncio.wait({task}, timeout=2)
    assert task.cancelled()
    assert time.monotonic() - began < 0.3


def test_a_thread_left_behind_does_not_hold_up_the_exit() -> None:
    script = """
        import asyncio, contextlib
        from tests.unit.providers.test_langchain_strangers import HI, SyncStream, Stranger, wrap

        async def main():
            for kind in (SyncStream, Stranger):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.3):
                        async for chunk in wrap(kind(plays=["Hello", 60.0])).stream(HI):
                            print(chunk.text, flush=True)

        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    assert done.stdout == "Hello\n"
    assert time.monotonic() - began < 40


@pytest.mark.parametrize("kind", [Stranger, SyncStream])
async def test_silence_of_a_blocking_class_ends_after_the_idle_time(kind: type[Stranger]) -> None:
    began = time.monotonic()
    _, error = await fail(wrap(kind(plays=[3.0, "late"]), idle_timeout_s=0.1))
    assert isinstance(error, IdleStream)
    assert time.monotonic() - began < 2


async def test_the_options_of_ally_stay_out_of_a_plug_in_that_does_not_name_them() -> None:
    seen: dict[str, Any] = {}

    def create(model, temperature, key, **kwargs):
        seen.update(kwargs, temperature=temperature)
        return Stranger(plays=["Hi"])

    model = wrap_llm(Plugin(create), "m", None, None, {"idle_timeout_s": 3, "context_window": 77, "top_p": 1})
    assert seen == {"top_p": 1, "temperature": 0.7}
    assert model.profile.context_window == 77


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by zero"), SystemExit(3), TypeError("boom"), RuntimeError("secret-key-123")], ids=repr
)
@pytest.mark.parametrize("kind", [Stranger, SyncStream, AsyncStream])
async def test_whatever_a_stranger_raises_is_a_provider_error(kind: type[Stranger], error: BaseException) -> None:
    llm = kind(plays=["Hello", error])
    plugin = Plugin(lambda *args, **kwargs: llm)
    chunks, failure = await fail(wrap_llm(plugin, "m", 0.1, "secret-key-123", {}))
    assert isinstance(failure, ProviderError)
    assert "secret" not in failure.message
    assert text_of(chunks) in ("Hello", "")


@pytest.mark.parametrize("llm", [None, 3, "a text", object()], ids=lambda value: type(value).__name__)
def test_create_llm_gives_no_model(llm: object) -> None:
    with pytest.raises(ConfigError, match="not a LangChain model"):
        wrap(llm)


async def test_a_plain_object_with_the_right_methods_will_do() -> None:
    class Duck:
        def stream(self, messages, **kwargs):
            yield "Quack, "
            yield messages[0].content

    assert text_of(await collect(wrap(Duck()))) == "Quack, hi"


async def test_a_chain_around_a_model_will_do() -> None:
    llm = SyncStream(plays=["Hello"])
    chain = llm.bind(stop=["x"]) | RunnableLambda(lambda message: message)
    model = wrap(chain)
    assert not model.profile.tools
    assert text_of(await collect(model)) == "Hello"
    assert llm.threads == ["ally-stranger"]


async def test_a_piece_of_an_unknown_kind() -> None:
    class Odd:
        async def astream(self, messages, **kwargs):
            yield {"answer": 42}

    _, error = await fail(wrap(Odd()))
    assert isinstance(error, BadReply)
    assert "dict" in error.message


def test_a_class_without_bind_tools_has_no_tools() -> None:
    assert not wrap(SyncStream(plays=[])).profile.tools
    assert wrap(ToolStream(plays=[])).profile.tools


def test_the_plug_in_may_say_that_it_has_no_tools_and_how_long_its_window_is() -> None:
    class Careful(Plugin):
        def supports_tools(self) -> bool:
            return False

        def get_max_tokens(self, model_name: str) -> int:
            return {"m": 4096}[model_name]

    profile = wrap_llm(Careful(lambda *args, **kwargs: ToolStream(plays=[])), "m", None, None, {}).profile
    assert (profile.tools, profile.context_window) == (False, 4096)


async def test_without_tools_earlier_calls_go_as_text() -> None:
    llm = SyncStream(plays=["Ok"])
    history = [
        user("Weather?"),
        AssistantMessage(
            (Thinking("hm"), ToolCall("1", "get_weather", {"city": "Ülm"}), BadToolCall("2", "x", "{", "cut"))
        ),
        ToolMessage((ToolResult("1", "sunny", name="get_weather"),)),
        user("And?"),
    ]
    await collect(wrap(llm), Request(history, system="Be brief.", tools=[WEATHER]))
    assert [(type(message), message.content) for message in llm.seen[0]] == [
        (SystemMessage, "Be brief."),
        (HumanMessage, "Weather?"),
        (AIMessage, '[called get_weather with {"city": "Ülm"}]\n[called x with {]'),
        (HumanMessage, "[get_weather answered] sunny"),
        (HumanMessage, "And?"),
    ]


async def test_calls_of_a_class_that_gives_no_finish_reason_are_parsed_strictly() -> None:
    pieces = [
        piece("get_weather", '{"city":'),
        piece("", '"Rom"}', id=None),
        piece("get_weather", '{"city": "Par', 1, "c2"),
    ]
    chunks = await collect(wrap(ToolStream(plays=pieces)), ASK)
    assert chunks[0] == ToolCall("c1", "get_weather", {"city": "Rom"})
    assert isinstance(chunks[1], BadToolCall)
    assert chunks[2] == Done("tool_calls", None)


@pytest.mark.parametrize("index", [0, None], ids=["index always 0", "no index"])
async def test_calls_that_only_their_ids_tell_apart(index: int | None) -> None:
    pieces = [
        piece("get_weather", '{"city":', index, "a"),
        piece("", '"Rom"}', index, None),
        piece("get_weather", '{"city":"Ulm"}', index, "b"),
    ]
    calls = [chunk for chunk in await collect(wrap(ToolStream(plays=pieces)), ASK) if isinstance(chunk, ToolCall)]
    assert [(call.id, call.args["city"]) for call in calls] == [("a", "Rom"), ("b", "Ulm")]


async def test_a_call_without_id_gets_one_and_a_call_without_name_never_runs() -> None:
    chunks = await collect(wrap(ToolStream(plays=[piece("get_weather", "{}", 0, None), piece("", "{}", 1, None)])), ASK)
    assert isinstance(chunks[0], ToolCall)
    assert chunks[0].id
    assert isinstance(chunks[1], BadToolCall)


async def test_raw_arguments_of_a_whole_answer_count_more_than_repaired_ones() -> None:
    raw = [{"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Pa'}}]
    repaired = [{"name": "get_weather", "args": {"city": "Pa"}, "id": "1"}]
    message = AIMessage("", additional_kwargs={"tool_calls": raw}, tool_calls=repaired)
    chunks = await collect(wrap(ToolStream(plays=[message]), streaming=False), ASK)
    assert isinstance(chunks[0], BadToolCall)


@pytest.mark.parametrize(
    ("content", "extra"),
    [
        ([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}], {}),
        ([{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Yes."}], {}),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}, "Yes."], {}),
        ([{"type": "reasoning_content", "reasoning_content": {"text": "Hm."}}, "Yes."], {}),
        ("Yes.", {"reasoning_content": "Hm."}),
        ("<think>Hm.</think>\n\nYes.", {}),
        ([{"type": "text", "text": "<think>Hm."}, {"type": "text", "text": "</think>Yes."}], {}),
    ],
)
@pytest.mark.parametrize("streaming", [True, False])
async def test_thinking_in_all_its_spellings(content: Any, extra: dict[str, Any], streaming: bool) -> None:
    kind = AIMessageChunk if streaming else AIMessage
    llm = SyncStream(plays=[kind(content=content, additional_kwargs=extra)])
    chunks = await collect(wrap(llm, streaming=streaming))
    assert "".join(chunk.text for chunk in chunks if isinstance(chunk, ThinkingChunk)) == "Hm."
    assert text_of(chunks) == "Yes."


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"finish_reason": "STOP"}, "end"),
        ({"stop_reason": "max_tokens"}, "length"),
        ({"done_reason": "length"}, "length"),
        ({"stopReason": "content_filter"}, "refused"),
        ({"finish_reason": "SAFETY"}, "refused"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "completed"}, "end"),
        ({"stop_reason": "stop_sequence"}, "stop_sequence"),
        ({"finish_reason": None}, "end"),
    ],
)
async def test_finish_reasons_of_many_vendors(metadata: dict[str, Any], reason: str) -> None:
    chunks = await collect(wrap(SyncStream(plays=[AIMessageChunk("x", response_metadata=metadata)])))
    assert chunks[-1] == Done(reason, None)  # type: ignore[arg-type] - a literal


async def test_usage_of_all_pieces_is_added_up() -> None:
    counts = {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10, "input_token_details": {"cache_read": 4}}
    more = {"input_tokens": 0, "output_tokens": 6, "total_tokens": 6}
    llm = SyncStream(plays=[AIMessageChunk("a", usage_metadata=counts), AIMessageChunk("b", usage_metadata=more)])
    assert (await collect(wrap(llm)))[-1] == Done("end", Usage(9, 7, 4))


async def test_a_schema_goes_to_an_unknown_class_as_a_tool_and_comes_back_as_text() -> None:
    llm = ToolStream(plays=["Thinking aloud. ", piece("answer", '{"a":'), piece("", " 1}", id=None)])
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    chunks = await collect(wrap(llm), Request([user("?")], json_schema=schema))
    assert chunks == [TextChunk('{"a": 1}'), Done("end", None)]


async def test_a_schema_goes_to_a_class_without_tools_as_words() -> None:
    llm = SyncStream(plays=['{"a": 1}'])
    await collect(wrap(llm), Request([user("?")], json_schema={"type": "object"}))
    assert '{"type": "object"}' in llm.seen[0][0].content


@pytest.mark.parametrize("kind", [Completion, StreamedCompletion])
async def test_a_completion_llm_takes_a_lone_question_as_it_is(kind: type[Completion]) -> None:
    llm = kind(says="Grüße, 世界!")
    model = wrap(llm)
    chunks = await collect(model, Request([user("hi")], tools=[WEATHER]))
    assert text_of(chunks) == "Grüße, 世界!"
    assert llm.prompts == ["hi"]
    assert isinstance(chunks[-1], Done)
    assert chunks[-1].stop_reason == ("end" if kind is Completion else "length")
    assert (model.profile.tools, model.profile.images) == (False, False)


@pytest.mark.parametrize("pieces", [1, 2, 7, 1000])
async def test_a_completion_llm_does_not_play_the_user(pieces: int) -> None:
    llm = StreamedCompletion(says=" I am fine.\n\nUser: And now?\n\nAssistant: Eh.", pieces=pieces)
    chunks = await collect(wrap(llm), Request([user("hi"), assistant("Hello."), user("How?")], system="Be nice."))
    assert text_of(chunks).rstrip() == "I am fine."
    assert chunks[-1] == Done("stop_sequence", None)
    assert llm.prompts == ["Be nice.\n\nUser: hi\n\nAssistant: Hello.\n\nUser: How?\n\nAssistant:"]


async def test_a_completion_llm_that_counts_its_tokens() -> None:
    assert (await collect(wrap(CountedCompletion())))[-1] == Done("end", Usage(5, 2, 0))


async def test_a_vendors_class_must_say_that_it_finished() -> None:
    from langchain_openai import ChatOpenAI

    class Mute(ChatOpenAI):
        async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
            yield ChatGenerationChunk(message=AIMessageChunk("Hello"))

    chunks, error = await fail(wrap(Mute(api_key="x", model="m")))
    assert isinstance(error, CutStream)
    assert text_of(chunks) == "Hello"


async def test_one_model_serves_two_answers_at_once() -> None:
    model = wrap(AsyncStream(plays=["a", "b", "c"]))
    both = await asyncio.gather(collect(model), collect(model))
    assert [text_of(chunks) for chunks in both] == ["abc", "abc"]
    assert HI.messages == [user("hi")]
    assert Text("hi") in HI.messages[0].parts
