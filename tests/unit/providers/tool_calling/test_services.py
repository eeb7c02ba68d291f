"""Tools for models of real services and of plug-ins."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ally.app import App
from ally.errors import CutStream, IdleStream
from ally.messages import ToolCall
from ally.models.verdicts import Verdict, Verdicts
from ally.providers.model import Model
from ally.providers.tool_calling import ToolCallingModel, with_tools
from ally.providers.wire import ollama, openai
from ally.providers.wire.options import build_target
from tests.fakes import KEY, Cut, Failure, Fake, FakeOllama, FakeOpenAI, Hang, Reply
from tests.unit.providers.test_langchain_strangers import Completion, StreamedCompletion, SyncStream, ToolStream, wrap
from tests.unit.providers.tool_calling.speakers import ASK, Heard, answered, hear, json_call

NO_TOOLS = Failure("bad_request", "registry.ollama.ai/library/x does not support tools")
CALL = json_call("read", {"path": "Ärger 😀.txt"})
ARGS = [("read", {"path": "Ärger 😀.txt"})]
TAGGED = f"Ich sehe nach: <tool_call>{CALL}</tool_call>"


class Lenient(FakeOpenAI):
    """A server that others wrote, which takes any schema."""

    lenient = True


def model_of(fake: Fake, **options: Any) -> Model:
    """The model of a fake, spoken to directly."""
    wire = ollama if isinstance(fake, FakeOllama) else openai
    return wire.model(build_target("lab", fake.models[0], fake.base_url, api_key=KEY, options=options))


async def converse(model: ToolCallingModel, *results: str) -> list[Heard]:
    """The answers of a conversation in which every call gives the next of `results`."""
    request, heard = ASK, [await hear(model)]
    for result in results:
        request = answered(request, heard[-1], result)
        heard.append(await hear(model, request))
    await model.close()
    return heard


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_service_that_refuses_tools_holds_its_model_to_a_schema(size: int):
    with Lenient() as fake:
        answer = Reply(text='{"answer": "Er sagt: \\u00c4 😀"}', piece_chars=size, write_bytes=size)
        fake.script(NO_TOOLS, Reply(text=CALL, piece_chars=size, write_bytes=size), answer)
        call, words = await converse(with_tools(model_of(fake)), "1\tÄ")
        assert (call.text, call.asked, call.done.stop_reason) == ("", ARGS, "tool_calls")
        assert (words.text, words.calls) == ("Er sagt: Ä 😀", [])
        first, second, third = (request.json for request in fake.calls)
    assert "tools" in first
    assert "tools" not in second
    assert '"enum": ["read"]' in str(second["response_format"]).replace("'", '"')
    assert third["messages"][: len(second["messages"])] == second["messages"]
    assert third["messages"][-1]["role"] == "user"
    system = second["messages"][0]["content"]
    assert system.startswith("# Tools")
    assert system.endswith("Be brief.")  # what agents have in common stands first


@pytest.mark.parametrize("verdict", ["schema", "text", "native"])
async def test_ollama_in_every_way(verdict: Any):
    with FakeOllama() as fake:
        fake.script(Reply(text=CALL if verdict == "schema" else TAGGED, piece_chars=1), Reply(text="Fertig."))
        call, words = await converse(with_tools(model_of(fake), verdict), "x")
        assert call.asked == ARGS
        assert words.text == "Fertig."
        sent = fake.calls[0].json
    assert ("format" in sent, "tools" in sent) == (verdict == "schema", verdict == "native")


@pytest.mark.parametrize(("verdict", "said"), [("schema", CALL), ("text", TAGGED), ("native", TAGGED)])
async def test_a_connection_that_breaks_gives_no_call(verdict: Any, said: str):
    with Lenient() as fake:
        fake.script(Reply(text=said, fault=Cut(at="finish", how="clean")))
        model = with_tools(model_of(fake), verdict)
        found: list[object] = []
        with pytest.raises(CutStream):
            async for chunk in model.stream(ASK):
                found.append(chunk)
        assert not [chunk for chunk in found if isinstance(chunk, ToolCall)]
        await model.close()


@pytest.mark.parametrize("verdict", ["schema", "text", "native"])
async def test_leaving_closes_the_connection(verdict: Any):
    with Lenient() as fake:
        fake.script(Reply(text='{"answer": "one two three four five six"}', thinking="hm", fault=Hang(at="text")))
        model = with_tools(model_of(fake), verdict)
        stream = aiter(model.stream(ASK))
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined] - a generator
        assert fake.calls[0].wait_disconnected(0.3)
        await model.close()


async def test_a_silent_service_is_an_error_in_time():
    with Lenient() as fake:
        fake.script(Reply(text=CALL, fault=Hang(at="text")))
        model = with_tools(model_of(fake, idle_timeout_s=0.1), "schema")
        with pytest.raises(IdleStream):
            await hear(model)
        await model.close()


async def test_reading_ends_where_the_model_makes_up_a_result():
    made_up = f"{TAGGED}\n<tool_result>\nno\n</tool_result>\n" + "and so on " * 1000
    with Lenient() as fake:
        fake.script(Reply(text=made_up, delay_s=0.001))
        (call,) = await converse(with_tools(model_of(fake), "text"))
        assert (call.text.strip(), call.asked) == ("Ich sehe nach:", ARGS)
        assert fake.calls[0].wait_disconnected(5)


class LateRefusal(SyncStream):
    """Binds tools, and says that it cannot when it is called with them."""

    def bind_tools(self, tools, *, tool_choice=None, **kwargs):
        return self.bind(tools=tools)

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        if "tools" in kwargs:
            raise NotImplementedError
        yield from super()._stream(messages, stop, run_manager, **kwargs)


@pytest.mark.parametrize(
    ("kind", "way"), [(SyncStream, "text"), (ToolStream, "native"), (LateRefusal, "text")], ids=str
)
async def test_a_chat_class_without_tools_or_that_ignores_them_calls_them(kind: type[SyncStream], way: str):
    pieces: Sequence[str] = [TAGGED[at : at + 5] for at in range(0, len(TAGGED), 5)]
    model = with_tools(wrap(kind(plays=list(pieces))))
    (call,) = await converse(model)
    assert (call.text.strip(), call.asked) == ("Ich sehe nach:", ARGS)
    assert (model.profile.tools, model.profile.tool_calling) == (True, way)


@pytest.mark.parametrize("kind", [Completion, StreamedCompletion])
async def test_a_completion_llm_calls_tools(kind: type[Completion]):
    llm = kind(says=f" {TAGGED}\n\nTool: nothing\n\nUser: thanks\n\nAssistant: bye")
    model = with_tools(wrap(llm))
    assert (model.profile.tools, model.profile.tool_calling) == (True, "text")
    (call,) = await converse(model)
    assert (call.text.strip(), call.asked) == ("Ich sehe nach:", ARGS)
    llm.says = " Fertig."
    (words,) = [await hear(model, answered(ASK, call, "1\thi"))]
    assert words.text == "Fertig."
    first, second = llm.prompts
    assert "read(path: string" in first
    assert second.startswith(first.removesuffix("Assistant:"))
    assert second.endswith('\n\nUser: <tool_result name="read">\n1\thi\n</tool_result>\n\nAssistant:')


async def test_a_form_after_tools_from_a_completion_llm():
    llm = Completion(says=f" {TAGGED}")
    model = with_tools(wrap(llm))
    (call,) = await converse(model)
    llm.says = ' {"n": 1}'
    request = replace(answered(ASK, call, "x"), tools=(), json_schema={"type": "object"})
    assert (await hear(model, request)).text == '{"n": 1}'


def test_what_a_check_found_is_used_in_conversations():
    app = App.open(dict(os.environ), offline=False, api_keys={}, warn=print)
    assert app.converse("general", provider="local").model.profile.tool_calling == "schema"
    profile = app.converse("general", provider="local").model.profile
    found = Verdict("text", {}, "2026-11-22T10:00:00+00:00", profile.digest)
    Verdicts.of_user(app.paths).keep(profile.provider, profile.model, found)
    assert app.converse("general", provider="local").model.profile.tool_calling == "text"
