"""Which way of calling tools a model gets, and what makes it another one."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ally.errors import BadRequest, Overloaded, ProviderError, RateLimited, UnknownModel
from ally.messages import NO_WAY_ROUND, AssistantMessage, Text, ToolResult, UserMessage, assistant, user
from ally.providers.model import Done, Profile, TextChunk, ToolCalling
from ally.providers.tool_calling import with_tools
from ally.providers.tool_calling.choose import choose, refuses
from tests.unit.providers.tool_calling.speakers import ASK, Speaker, answered, hear, spell

FULL = Profile("p", "m", tools=True, constrains=True)

REFUSALS = [
    BadRequest("ollama refused the request (400): registry.ollama.ai/library/gemma:2b does not support tools"),
    BadRequest('lab refused the request (400): "auto" tool choice requires --enable-auto-tool-choice to be set'),
    Overloaded("lab failed on its side (500): tools param requires --jinja flag"),
    Overloaded("lab failed on its side (500): Unsupported param: tools"),
    Overloaded("lab failed on its side (501)."),
    UnknownModel("openrouter has no model x (404): No endpoints found that support tool use."),
    BadRequest("google refused the request (400): Function calling is not enabled for models/gemma-3-4b-it"),
    BadRequest("lab refused the request (400): body.tools: Extra inputs are not permitted"),
    BadRequest("groq refused the request (400): tool calling is not supported with this model"),
    ProviderError("mine failed: NotImplementedError"),
]
OTHERS = [
    BadRequest("openai refused the request (400): Invalid schema for function 'read': 'oneOf' is not supported"),
    BadRequest("openai refused the request (400): 'temperature' does not support 0.2 with this model"),
    BadRequest("openai refused the request (400): messages: at least one message is required"),
    Overloaded("lab failed on its side (503): try again"),
    RateLimited("tools are not supported at this rate", retry_after_s=1),
]


@pytest.mark.parametrize(
    ("profile", "verdict", "refused", "way"),
    [
        (FULL, None, (), "native"),
        (replace(FULL, tools=False), None, (), "schema"),
        (replace(FULL, tools=False, constrains=False), None, (), "text"),
        (FULL, "text", (), "text"),
        (FULL, "schema", (), "schema"),
        (replace(FULL, tools=False), "native", (), "schema"),
        (FULL, "schema", ("schema",), "native"),
        (FULL, None, ("native",), "schema"),
        (FULL, None, ("native", "schema"), "text"),
        (FULL, "text", ("native", "schema", "text"), "text"),
    ],
)
def test_what_was_checked_comes_first(
    profile: Profile, verdict: ToolCalling | None, refused: Sequence[ToolCalling], way: ToolCalling
):
    assert choose(profile, verdict, refused) == way


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.message)
async def test_a_service_that_refuses_tools_is_asked_again_without_them(error: ProviderError):
    calls = [("read", {"path": "a"})]
    inner = Speaker([[error], spell("schema", calls=calls), spell("schema", "Ok.")], about=FULL)
    model = with_tools(inner)
    assert model.profile.tool_calling == "native"
    first = await hear(model)
    assert first.asked == calls
    assert model.profile.tool_calling == "schema"
    await hear(model, answered(ASK, first, "x"))
    assert [bool(request.tools) for request in inner.requests] == [True, False, False]


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: error.message)
async def test_other_errors_are_given_to_the_caller(error: ProviderError):
    model = with_tools(Speaker([[error]], about=FULL))
    with pytest.raises(type(error)):
        await hear(model)
    assert model.profile.tool_calling == "native"


async def test_a_refusal_in_the_middle_of_an_answer_is_an_error():
    model = with_tools(Speaker([[TextChunk("Well"), REFUSALS[0]]], about=FULL))
    with pytest.raises(BadRequest):
        await hear(model)


@pytest.mark.parametrize(
    "said",
    [
        "(400): failed to parse grammar",
        "(400): Failed to initialize samplers",
        "(400): invalid JSON schema in format",
        "(400): json: cannot unmarshal object into Go struct field ChatRequest.format of type string",
        "(500): response_format type must be one of text, json_object",
    ],
)
async def test_a_service_that_refuses_the_schema_gets_text(said: str):
    refusal = BadRequest(f"lab refused the request {said}")
    inner = Speaker([[refusal], spell("text", calls=[("now", {})])], about=replace(FULL, tools=False))
    model = with_tools(inner)
    assert (await hear(model)).asked == [("now", {})]
    assert model.profile.tool_calling == "text"
    assert not refuses("text", refusal)
    assert not refuses("schema", BadRequest("lab refused the request (400): unknown image format"))


async def test_a_schema_of_the_caller_that_is_refused_is_an_error_of_the_caller():
    inner = Speaker([[BadRequest("invalid json_schema")]], about=replace(FULL, tools=False))
    with pytest.raises(BadRequest):
        await hear(with_tools(inner), replace(ASK, tools=(), json_schema={"type": "object"}))


async def test_a_model_that_turns_out_to_take_no_tools_is_asked_again():
    class Late(Speaker):
        async def stream(self, request):
            self.about = replace(FULL, tools=False)  # as the embedded engine, once it runs
            async for chunk in super().stream(request):
                yield chunk

    inner = Late([[TextChunk("I cannot."), Done("end")], spell("schema", calls=[("now", {})])], about=FULL)
    assert (await hear(with_tools(inner))).asked == [("now", {})]
    assert [bool(request.tools) for request in inner.requests] == [True, False]


async def test_the_way_stays_while_a_conversation_goes_on():
    inner = Speaker([spell("text", calls=[("now", {})]), spell("text", "Ten."), spell("native", "Hi.")])
    inner.about = replace(FULL, tools=False, constrains=False)
    model = with_tools(inner)
    first = await hear(model)
    inner.about = FULL
    await hear(model, answered(ASK, first, "10:00"))
    assert model.profile.tool_calling == "text"
    await hear(model)
    assert model.profile.tool_calling == "native"


async def test_a_resumed_conversation_is_chosen_for_as_a_new_one():
    inner = Speaker([spell("schema", "Hi.")], about=replace(FULL, tools=False))
    history = [user("a"), AssistantMessage((Text("b"),)), user("c")]
    assert (await hear(with_tools(inner), replace(ASK, messages=history))).text == "Hi."
    assert inner.requests[0].messages[1] == AssistantMessage((Text('{"answer": "b"}'),))


async def test_a_verdict_is_looked_up_for_the_weights_that_run():
    asked: list[str] = []

    def look_up(profile: Profile) -> ToolCalling | None:
        asked.append(profile.digest)
        return "text" if profile.digest == "sha256:2" else None

    inner = Speaker([], about=replace(FULL, digest="sha256:1"))
    model = with_tools(inner, look_up)
    assert [model.profile.tool_calling for _ in range(3)] == ["native"] * 3
    inner.about = replace(FULL, digest="sha256:2")
    assert model.profile.tool_calling == "text"
    assert asked == ["sha256:1", "sha256:2"]


def test_tools_are_not_given_twice():
    inner = Speaker([], about=FULL)
    model = with_tools(with_tools(inner), "schema")
    assert model.inner is inner
    assert model.profile.tool_calling == "schema"


@pytest.mark.parametrize(("parameters", "tools"), [(900_000_000, ["read"]), (1_700_000_000, ["list", "now", "read"])])
async def test_a_very_small_model_gets_only_what_the_user_spoke_of(parameters: int, tools: list[str]):
    inner = Speaker([spell("schema", calls=[("read", {"path": "notes.txt"})]), spell("schema", "It says hi.")])
    inner.about = replace(FULL, tools=False, parameters=parameters)
    model = with_tools(inner)
    said = UserMessage((Text("read notes.txt"), Text("[Sunday, 2026-11-22. Working folder: /home/me. System: Linux.]")))
    request = replace(ASK, messages=[said])
    first = await hear(model, request)
    await hear(model, answered(request, first, "1\thi"))
    sent, after = (json.dumps(request.json_schema) for request in inner.requests)
    assert [name for name in ("list", "now", "read") if f'"enum": ["{name}"]' in sent] == tools
    assert "/home/me" not in sent
    assert "answer" in after
    assert inner.requests[0].system == inner.requests[1].system


async def test_a_tiny_model_speaks_one_call_and_its_result_is_the_answer():
    inner = Speaker([spell("schema", calls=[("read", {"path": "notes.txt"})]), spell("text", "You are welcome.")])
    inner.about = replace(FULL, tools=False, parameters=135_000_000)
    model = with_tools(inner)
    assert model.profile.is_tiny
    request = replace(ASK, messages=[user("read notes.txt")])
    first = await hear(model, request)
    assert [(name, args) for name, args in first.asked] == [("read", {"path": "notes.txt"})]
    after = answered(request, first, "1\tbuy milk")
    assert (await hear(model, after)).text == "buy milk"
    thanks = replace(request, messages=[*after.messages, assistant("buy milk"), user("Thank you!")])
    assert (await hear(model, thanks)).text == "You are welcome."
    called, spoken = inner.requests  # the result needed no model
    assert called.json_schema is not None
    assert spoken.json_schema is None
    assert spoken.messages == (user("Thank you!"),)  # it would only repeat what it sees
    assert called.system == spoken.system == ASK.system


async def test_the_answer_of_a_tiny_model_holds_no_line_numbers_and_no_orders_to_models():
    inner = Speaker([spell("schema", calls=[("read", {"path": "notes.txt"})])])
    inner.about = replace(FULL, tools=False, parameters=135_000_000)
    model = with_tools(inner)
    request = replace(ASK, messages=[user("read notes.txt")])
    first = await hear(model, request)
    assert (await hear(model, answered(request, first, "1\t2\tmilk\n2\t\n[end]"))).text == "2\tmilk\n\n[end]"
    refused = ToolResult(first.calls[0].id, f"Not allowed: no. {NO_WAY_ROUND}", is_error=True, name="read")
    assert (await hear(model, answered(request, first, refused))).text == "Not allowed: no."


async def test_a_failure_that_leaves_no_other_call_is_told_as_it_is():
    inner = Speaker([spell("schema", calls=[("read", {"path": "notes.txt"})])])
    inner.about = replace(FULL, tools=False, parameters=135_000_000)
    model = with_tools(inner)
    request = replace(ASK, messages=[user("read notes.txt")])
    first = await hear(model, request)
    failed = ToolResult(first.calls[0].id, "notes.txt does not exist.", is_error=True, name="read")
    second = await hear(model, answered(request, first, failed))
    assert (second.text, second.calls) == ("notes.txt does not exist.", [])
